#pragma once

/*
 * The one table of settings.  Parser, defaults, struct settings, ranges,
 * --print-config and the manual come from these lines:
 *
 *     X(section, key, TYPE, default, range, flags, what it does)
 *
 * TYPE      TEXT    text, kept as written
 *           WORDS   words between blanks
 *           SIZE    bytes: a number with KiB, MiB, GiB or nothing
 *           TIME    milliseconds: a number with ms, s, m, h or d
 *           COUNT   a whole number
 *           DECIMAL a number
 *           FLAG    true or false
 *           CHOICE  one of the words in its range, as their index
 * range     "least..most" in the type's own form, "this|that", or ""
 * flags     RELOAD  SIGHUP puts a new value into force
 */
#define SETTINGS_AWS(X)                                                        \
    X(aws, region, TEXT, "ap-southeast-1", "", 0,                              \
      "AWS region; AWS_REGION and AWS_DEFAULT_REGION replace the default")     \
    X(aws, endpoint_url, TEXT, "", "", 0,                                      \
      "URL of another service than AWS's own; also AWS_ENDPOINT_URL and "      \
      "AWS_ENDPOINT_URL_<SERVICE>")                                            \
    X(aws, profile, TEXT, "", "", 0,                                           \
      "profile of the shared credentials and config files; also AWS_PROFILE")  \
    X(aws, role_arn, TEXT, "", "", 0,                                          \
      "role to assume on top of the credentials found")

#define SETTINGS_SPOOL(X)                                                      \
    X(spool, dir, TEXT, "/var/lib/clickspool/spool", "", 0,                    \
      "folder of the spool")                                                   \
    X(spool, segment_size, SIZE, "64MiB", "64KiB..4GiB", 0,                    \
      "a segment of this size is sealed and the next begun")                   \
    X(spool, segment_age, TIME, "1h", "1s..30d", 0,                            \
      "a non-empty segment is sealed at this age")                             \
    X(spool, max_unshipped, SIZE, "1GiB", "1MiB..16384GiB", 0,                 \
      "with more than this unshipped, ingest answers 503")                     \
    X(spool, min_free, SIZE, "512MiB", "0..16384GiB", 0,                       \
      "with less room than this on the disk, ingest answers 503")              \
    X(spool, retain, TIME, "24h", "0s..365d", 0,                               \
      "shipped segments are kept this long for people to look at")             \
    X(spool, retain_size, SIZE, "1GiB", "0..16384GiB", 0,                      \
      "and at most this much of them")                                         \
    X(spool, state_dir, TEXT, "/var/lib/clickspool/ingest", "", 0,             \
      "ingest's own files")

#define SETTINGS_LISTEN(X)                                                     \
    X(listen, public, WORDS, "127.0.0.1:8080", "", 0,                          \
      "addresses for browsers: ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH; "    \
      "sockets handed over by systemd take their place")                       \
    X(listen, internal, WORDS, "unix:/run/clickspool/log.sock", "", 0,         \
      "addresses for the shop's own API")                                      \
    X(listen, admin, WORDS, "127.0.0.1:9180", "", 0,                           \
      "addresses for health checks and operators")

#define SETTINGS_TLS(X)                                                        \
    X(tls, certificate, TEXT, "", "", RELOAD, "PEM chain, to serve HTTPS")     \
    X(tls, key, TEXT, "", "", RELOAD, "its key")

#define SETTINGS_HTTP(X)                                                       \
    X(http, max_connections, COUNT, "10000", "1..1000000", 0,                  \
      "public connections open at once")                                       \
    X(http, max_connections_per_ip, COUNT, "256", "1..1000000", 0,             \
      "of these from one address, but for trusted proxies'")                   \
    X(http, max_body, SIZE, "256KiB", "1KiB..4MiB", 0,                         \
      "bytes of a request body as sent; inflated it may be 8 times as long")   \
    X(http, header_timeout, TIME, "10s", "100ms..10m", 0,                      \
      "from the first byte of a request to the end of its head")               \
    X(http, body_timeout, TIME, "15s", "100ms..1h", 0,                         \
      "from the end of the head to the end of the body; one of a known "       \
      "length has 5 s and its time at 16 KiB/s, if that is less")              \
    X(http, idle_timeout, TIME, "75s", "100ms..1h", 0,                         \
      "an idle connection is closed after this")                               \
    X(http, trusted_proxies, WORDS, "127.0.0.1/32 ::1/128", "", RELOAD,        \
      "networks whose X-Forwarded-For, -Proto and -Host are believed")         \
    X(http, client_ip_header, TEXT, "", "", RELOAD,                            \
      "header with the client's address, believed from trusted proxies only")

#define SETTINGS_CORS(X)                                                       \
    X(cors, origins, WORDS, "", "", RELOAD,                                    \
      "origins that may post, or *; empty: no check and no CORS headers")

#define SETTINGS_RATE(X)                                                       \
    X(rate, per_ip, COUNT, "50", "0..1000000", RELOAD,                         \
      "requests a second from one address; 0 switches it off")                 \
    X(rate, burst, COUNT, "200", "1..1000000", RELOAD,                         \
      "requests that may come at once")

#define SETTINGS_AUTH(X)                                                       \
    X(auth, user_pool_id, TEXT, "", "", 0, "Cognito user pool")                \
    X(auth, issuer, TEXT, "", "", 0, "another issuer than the pool's")         \
    X(auth, jwks_url, TEXT, "", "", 0, "another place of its keys")            \
    X(auth, client_ids, WORDS, "", "", RELOAD, "app clients that are taken")   \
    X(auth, token_use, WORDS, "id access", "", RELOAD,                         \
      "kinds of tokens that are taken")                                        \
    X(auth, upload_group, TEXT, "admin", "", RELOAD,                           \
      "group that may upload; empty: any user")

#define SETTINGS_EVENTS(X)                                                     \
    X(events, catalog, TEXT, "", "", RELOAD,                                   \
      "JSON file of event types; empty: the built-in catalog")                 \
    X(events, unknown_fields, CHOICE, "refuse", "refuse|keep", RELOAD,         \
      "what becomes of fields that the catalog does not name")

#define SETTINGS_PRIVACY(X)                                                    \
    X(privacy, source_ip, CHOICE, "full", "full|network|none", RELOAD,         \
      "how much of an address is kept: network is /24 or /48")                 \
    X(privacy, user_agent, CHOICE, "full", "full|none", RELOAD,                \
      "whether User-Agent is kept")

#define SETTINGS_UPLOADS(X)                                                    \
    X(uploads, bucket, TEXT, "", "", 0, "bucket of product images")            \
    X(uploads, key_prefix, TEXT, "products/", "", RELOAD, "prefix of keys")    \
    X(uploads, content_types, WORDS,                                           \
      "image/jpeg image/png image/webp image/avif", "", RELOAD,                \
      "types that may be uploaded")                                            \
    X(uploads, max_size, SIZE, "10MiB", "1..5GiB", RELOAD, "largest upload")   \
    X(uploads, expires, TIME, "5m", "1s..7d", RELOAD, "life of an upload URL") \
    X(uploads, public_base_url, TEXT, "", "", RELOAD,                          \
      "URL under which uploads are read")                                      \
    X(uploads, profile, TEXT, "", "", 0, "who signs uploads")                  \
    X(uploads, role_arn, TEXT, "", "", 0, "role that signs uploads")

#define SETTINGS_SECRETS(X)                                                    \
    X(secrets, app_config, TEXT, "APP_CONFIG", "", 0,                          \
      "secret that names the bucket")                                          \
    X(secrets, db_password, TEXT, "DB_PASSWORD", "", 0,                        \
      "secret for the shop's API")                                             \
    X(secrets, export_dir, TEXT, "", "", 0, "folder it is exported to")        \
    X(secrets, export_group, TEXT, "", "", 0, "group that may read it")        \
    X(secrets, refresh, TIME, "5m", "10s..1d", 0, "how often to look")

#define SETTINGS_BROKER(X)                                                     \
    X(broker, socket, TEXT, "/run/clickspool/broker.sock", "", 0,              \
      "where ingest asks shipper")

#define SETTINGS_SHIPPER(X)                                                    \
    X(shipper, log_group, TEXT, "/clickspool/events", "", 0,                   \
      "CloudWatch log group")                                                  \
    X(shipper, log_stream, TEXT, "{hostname}", "", 0,                          \
      "CloudWatch log stream; in both {hostname}, {instance}, {category} and " \
      "{date} are filled in")                                                  \
    X(shipper, retention_days, COUNT, "0", "0..3653", 0,                       \
      "days that CloudWatch keeps the group's entries; 0: as it is")           \
    X(shipper, create, FLAG, "true", "", 0,                                    \
      "whether a missing group or stream is made")                             \
    X(shipper, linger, TIME, "2s", "0s..1h", 0,                                \
      "longest an entry waits for its batch to fill")                          \
    X(shipper, gzip_level, COUNT, "1", "0..9", 0,                              \
      "compression of batches; 0 sends them plain")                            \
    X(shipper, request_timeout, TIME, "30s", "1s..10m", 0,                     \
      "a call that has no answer by then has failed")                          \
    X(shipper, max_inflight, COUNT, "4", "1..64", 0,                           \
      "requests under way at once, over all streams")                          \
    X(shipper, resolve_ambiguous, FLAG, "true", "", 0,                         \
      "whether a batch of unknown fate is looked up")                          \
    X(shipper, resolve_wait, TIME, "60s", "1s..1h", 0,                         \
      "how long it is looked for")                                             \
    X(shipper, heartbeat, TIME, "5m", "0s..1d", 0,                             \
      "how often the counts are told in CloudWatch itself; 0: never")          \
    X(shipper, dead_max_size, SIZE, "256MiB", "1MiB..1024GiB", 0,              \
      "with more dead letters than this, shipper holds")                       \
    X(shipper, price_per_gib, DECIMAL, "0.50", "0..1000", 0,                   \
      "for the cost line of status")

#define SETTINGS_LOG(X)                                                        \
    X(log, level, CHOICE, "info", "error|warning|notice|info|debug", RELOAD,   \
      "the least important messages that are written")                         \
    X(log, format, CHOICE, "auto", "auto|text|json", 0,                        \
      "auto: for the journal where stderr is the journal, else text")

/* S(section, SETTINGS_SECTION) */
#define SETTINGS_SECTIONS(S)                                                   \
    S(aws, SETTINGS_AWS)                                                       \
    S(spool, SETTINGS_SPOOL)                                                   \
    S(listen, SETTINGS_LISTEN)                                                 \
    S(tls, SETTINGS_TLS)                                                       \
    S(http, SETTINGS_HTTP)                                                     \
    S(cors, SETTINGS_CORS)                                                     \
    S(rate, SETTINGS_RATE)                                                     \
    S(auth, SETTINGS_AUTH)                                                     \
    S(events, SETTINGS_EVENTS)                                                 \
    S(privacy, SETTINGS_PRIVACY)                                               \
    S(uploads, SETTINGS_UPLOADS)                                               \
    S(secrets, SETTINGS_SECRETS)                                               \
    S(broker, SETTINGS_BROKER)                                                 \
    S(shipper, SETTINGS_SHIPPER)                                               \
    S(log, SETTINGS_LOG)
