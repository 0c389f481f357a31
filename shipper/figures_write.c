#include "shipper/figures.h"

#include "common/buf.h"
#include "common/metrics.h"
#include "common/spool.h"
#include "shipper/aws.h"
#include "shipper/cloud.h"
#include "shipper/creds.h"
#include "shipper/secrets.h"
#include "shipper/status.h"

#include <stdio.h>

enum { TEXT_MAX = 256 * 1024, LABELS_SIZE = 96 };

static void
write_codes(struct buf *out, const char *name, const char *label,
            const struct figures *figures, const uint64_t counts[FIGURES_CODES])
{
    char labels[LABELS_SIZE];

    for (size_t i = 0; i < FIGURES_CODES; i++) {
        bool other = i == FIGURES_CODES - 1;

        if (!*figures->codes[i] && !other)
            continue;
        (void)snprintf(labels, sizeof(labels), "%s=\"%s\"", label,
                       other ? "other" : figures->codes[i]);
        metrics_count(out, name, labels, counts[i]);
    }
}

static void
write_shipping(struct buf *out, const struct figures *figures)
{
    static const char *const outcomes[] = {
        [LOOKUP_ALL] = "outcome=\"found\"",
        [LOOKUP_SOME] = "outcome=\"partly\"",
        [LOOKUP_NONE] = "outcome=\"missing\"",
        [LOOKUP_FORBIDDEN] = "outcome=\"unknown\"",
    };

    metrics_family(out, "ship_events_total", "counter",
                   "Entries that are done with.");
    metrics_count(out, "ship_events_total", "result=\"delivered\"",
                  figures->delivered);
    metrics_count(out, "ship_events_total", "result=\"dead\"", figures->dead);
    metrics_family(out, "ship_requests_total", "counter",
                   "PutLogEvents, by what was answered.");
    write_codes(out, "ship_requests_total", "code", figures, figures->requests);
    metrics_family(out, "ship_retries_total", "counter",
                   "Calls that were made again, by why.");
    write_codes(out, "ship_retries_total", "reason", figures, figures->retries);
    metrics_family(out, "ship_request_duration_seconds", "histogram",
                   "PutLogEvents, until its answer.");
    metrics_histogram(out, "ship_request_duration_seconds", "",
                      &figures->took_us, 1e-6);
    metrics_family(out, "ship_batch_events", "histogram",
                   "Entries of a batch.");
    metrics_histogram(out, "ship_batch_events", "", &figures->batch_events, 1);
    metrics_family(out, "ship_batch_bytes", "histogram",
                   "Bytes of a batch, as CloudWatch counts them.");
    metrics_histogram(out, "ship_batch_bytes", "", &figures->batch_bytes, 1);
    metrics_family(out, "ship_compressed_bytes_total", "counter",
                   "Bytes that went out compressed.");
    metrics_count(out, "ship_compressed_bytes_total", "",
                  figures->compressed_bytes);
    metrics_family(out, "dead_letters_total", "counter",
                   "Entries that cannot be delivered.");
    metrics_count(out, "dead_letters_total", "reason=\"rejected\"",
                  figures->dead);
    metrics_family(out, "ambiguous_batches_total", "counter",
                   "Batches of unknown fate, by what became of them.");
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
        metrics_count(out, "ambiguous_batches_total", outcomes[i],
                      figures->ambiguous[i]);
}

static void
gauge(struct buf *out, const char *name, const char *help, double value)
{
    metrics_family(out, name, "gauge", help);
    metrics_number(out, name, "", value);
}

static void
write_secrets(struct buf *out, const struct secrets *secrets)
{
    static const struct {
        enum secrets_which which;
        const char *label;
    } all[] = {{SECRETS_APP_CONFIG, "secret=\"app_config\""},
               {SECRETS_DB_PASSWORD, "secret=\"db_password\""}};

    metrics_family(out, "secret_last_success_timestamp_seconds", "gauge",
                   "When a secret was read last; 0: never.");
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        int64_t ms = secrets_time(secrets, all[i].which);

        metrics_number(out, "secret_last_success_timestamp_seconds",
                       all[i].label, ms > 0 ? (double)ms / 1000 : 0);
    }
}

static void
write_state(struct buf *out, const struct figures_facts *facts)
{
    const struct creds_keys *keys;
    const char *why;
    int64_t age_ms;

    keys = creds_get(facts->cloud->creds, &why);
    gauge(out, "ship_lag_seconds", "Age of the oldest entry on its way.",
          (double)facts->lag_ms / 1000);
    gauge(out, "ship_last_success_timestamp_seconds",
          "When CloudWatch last took a batch; 0: never.",
          (double)facts->last_success_ms / 1000);
    gauge(out, "credentials_expiry_timestamp_seconds",
          "End of the credentials; 0: they have none.",
          keys ? (double)keys->expires_ms / 1000 : 0);
    gauge(out, "clock_offset_seconds",
          "How far AWS's clock is ahead of the machine's.",
          (double)aws_clock_offset_ms(facts->cloud->aws, &age_ms) / 1000);
    write_secrets(out, facts->secrets);
}

int
figures_write(int dirfd, const struct figures_facts *facts)
{
    const struct metrics_self self = {"shipper", facts->reloaded};
    struct buf text;
    int r;

    buf_init(&text, TEXT_MAX);
    write_shipping(&text, facts->figures);
    write_state(&text, facts);
    metrics_both(&text, &self, (struct slice){NULL, 0});
    r = text.failed ? text.failed : status_replace(dirfd, SPOOL_METRICS, &text);
    buf_deinit(&text);
    return r;
}
