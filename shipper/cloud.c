#include "shipper/cloud.h"

#include "common/settings.h"
#include "shipper/aws.h"
#include "shipper/creds.h"
#include "shipper/http.h"

#include <stdlib.h>

int
cloud_open(struct cloud *cloud, uv_loop_t *loop,
           const struct settings *settings)
{
    const char *ca_bundle = getenv("AWS_CA_BUNDLE");
    int r;

    cloud->loop = loop;
    cloud->settings = settings;
    r = http_new(&cloud->http, loop,
                 ca_bundle && *ca_bundle ? ca_bundle : NULL);
    if (!r)
        r = creds_new(&cloud->creds, loop, cloud->http, settings, CREDS_AWS);
    cloud->upload_creds = cloud->creds;
    if (!r && (*settings->uploads.profile || *settings->uploads.role_arn))
        r = creds_new(&cloud->upload_creds, loop, cloud->http, settings,
                      CREDS_UPLOADS);
    if (!r)
        r = aws_new(&cloud->aws, loop, cloud->http, cloud->creds, settings);
    return r;
}

void
cloud_close(struct cloud *cloud)
{
    aws_close(cloud->aws);
    if (cloud->upload_creds != cloud->creds)
        creds_free(cloud->upload_creds);
    creds_free(cloud->creds);
    http_close(cloud->http);
}
