#include "shipper/ctl/ends.h"

#include "common/fileio.h"
#include "common/spool.h"
#include "shipper/ctl/certificate.h"
#include "shipper/ctl/ctl.h"

#include <stdlib.h>

enum { FILE_MAX = 1024 * 1024 };

#define SECONDS "_timestamp_seconds"

static const struct {
    const char *name, *series;
} secrets[ENDS_SECRETS] = {
    {"app_config",
     "clickspool_secret_last_success" SECONDS "{secret=\"app_config\"}"},
    {"db_password",
     "clickspool_secret_last_success" SECONDS "{secret=\"db_password\"}"},
};

const char *
ends_secret_name(enum ends_secret which)
{
    return secrets[which].name;
}

bool
ends_series(struct slice text, const char *series, double *value)
{
    size_t len = strlen(series);

    while (text.len) {
        struct slice line = slice_split(text, '\n', &text);
        char number[32], *end;

        if (line.len <= len + 1 || line.data[len] != ' ' ||
            memcmp(line.data, series, len))
            continue;
        line.len -= len + 1;
        if (line.len >= sizeof(number))
            return false;
        memcpy(number, line.data + len + 1, line.len);
        number[line.len] = '\0';
        *value = strtod(number, &end);
        return !*end;
    }
    return false;
}

static bool
get_ms(struct slice text, const char *series, int64_t *ms)
{
    double seconds;

    if (!ends_series(text, series, &seconds) || !(seconds >= 0) ||
        seconds > 1e12)
        return false;
    *ms = (int64_t)(seconds * 1000);
    return true;
}

void
ends_read(struct ends *ends, const struct ctl *ctl)
{
    const struct settings *settings = &ctl->settings;
    struct certificate certificate;
    char *text;
    size_t len;

    *ends = (struct ends){
        .wanted = {[ENDS_APP_CONFIG] = !*settings->uploads.bucket,
                   [ENDS_DB_PASSWORD] = *settings->secrets.export_dir},
        .has_certificate = *settings->tls.certificate,
    };
    if (!fileio_read_all(ctl->dirfd, SPOOL_METRICS, FILE_MAX, &text, &len)) {
        struct slice figures = {text, len};

        ends->told = get_ms(figures, "clickspool_credentials_expiry" SECONDS,
                            &ends->credentials_ms);
        for (int i = 0; i < ENDS_SECRETS; i++)
            (void)get_ms(figures, secrets[i].series, &ends->secrets_ms[i]);
        free(text);
    }
    if (ends->has_certificate) {
        ends->certificate_error =
            certificate_read(&certificate, settings->tls.certificate);
        ends->certificate_ms = certificate.not_after_ms;
    }
}
