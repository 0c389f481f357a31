#include "common/settings.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/doctor.h"
#include "shipper/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "clickspoolctl-doctor" /* which nobody puts there */

enum { URL_SIZE = OBJECT_PLACE_MAX + 2048 };

/* What S3 says to who is nobody: it tells a bucket that is not there, or in
 * another region, without credentials. */
static void
look_from_outside(struct doctor *doctor, const struct web_place *place,
                  const char *url)
{
    struct web_answer answer;

    (void)web_ask(&(struct web_request){.method = "GET",
                                        .place = place,
                                        .url = url},
                  &answer);
    switch (answer.status) {
    case 0:
        doctor_tell(doctor, DOCTOR_FAIL, "bucket", NULL, "%s: %s",
                    doctor->bucket, answer.error);
        break;
    case 403:
        doctor_tell(doctor, DOCTOR_OK, "bucket", NULL,
                    "%s is there, and answers 403 without a signature",
                    doctor->bucket);
        break;
    case 404:
        doctor_tell(doctor, DOCTOR_FAIL, "bucket",
                    "make it, or mend [uploads] bucket or the secret",
                    "there is no bucket %s", doctor->bucket);
        break;
    case 301:
    case 307:
        doctor_tell(doctor, DOCTOR_FAIL, "bucket",
                    "a bucket has to be in [aws] region",
                    "%s is in another region", doctor->bucket);
        break;
    default:
        doctor_tell(doctor, answer.status == 200 ? DOCTOR_FAIL : DOCTOR_WARN,
                    "bucket", "block public access to it",
                    "%s answers %d without a signature", doctor->bucket,
                    answer.status);
    }
    web_answer_deinit(&answer);
}

/* An object that is not there: 404, or 403 for want of s3:ListBucket. */
static void
look_signed(struct doctor *doctor)
{
    static const char hint[] = "shipper needs s3:GetObject on the prefix; "
                               "whoever signs uploads s3:PutObject";
    const char *prefix = doctor->ctl->settings.uploads.key_prefix, *why = "";
    char path[OBJECT_KEY_MAX];

    (void)snprintf(path, sizeof(path), "%.900s" KEY, prefix);
    switch (aws_sync_head(doctor->sync, doctor->bucket, path, &why)) {
    case OBJECT_FOUND:
    case OBJECT_ABSENT:
        break;
    case OBJECT_NO_CREDENTIALS:
    case OBJECT_UNKNOWN:
        doctor_tell(doctor, DOCTOR_FAIL, "bucket", hint, "%s: %s",
                    doctor->bucket, why);
        break;
    }
}

void
doctor_bucket(struct doctor *doctor)
{
    const struct settings *settings = &doctor->ctl->settings;
    struct web_place place = {.ca = getenv("AWS_CA_BUNDLE"), .local = true};
    char url[URL_SIZE], why[ENDPOINT_WHY_MAX];
    struct object_place bucket;
    int n;

    if (!*doctor->bucket ||
        !object_place(&bucket, settings, doctor->bucket, why))
        return;
    if (place.ca && !*place.ca)
        place.ca = NULL;
    n = snprintf(url, sizeof(url), "%s%s%s",
                 bucket.plain ? "http://" : "https://", bucket.host,
                 bucket.path);
    look_from_outside(doctor, &place, url);
    if (doctor->authorized)
        look_signed(doctor);
    if (!doctor->origin)
        return;
    (void)snprintf(url + n, sizeof(url) - (size_t)n, "%.1000s" KEY,
                   settings->uploads.key_prefix);
    doctor_preflight(doctor,
                     &(struct doctor_preflight){
                         .place = &place,
                         .url = url,
                         .method = "PUT",
                         .headers = "content-type,if-none-match",
                         .hint = DOCTOR_BUCKET_CORS,
                     },
                     doctor->origin);
}
