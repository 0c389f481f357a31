#include "shipper/ctl/health_facts.h"

#include "common/spool.h"
#include "shipper/ctl/certificate.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/health_judge.h"

#include <fcntl.h>
#include <unistd.h>

void
health_facts_read(struct health_facts *facts, const struct ctl *ctl)
{
    const char *path = ctl->settings.tls.certificate;
    struct certificate certificate;

    *facts = (struct health_facts){
        .max_unshipped = ctl->settings.spool.max_unshipped,
        .draining = faccessat(ctl->dirfd, SPOOL_DRAINING, F_OK, 0) == 0,
        .has_certificate = *path,
    };
    if (!*path)
        return;
    facts->certificate_error = certificate_read(&certificate, path);
    facts->certificate_after_ms = certificate.not_after_ms;
}
