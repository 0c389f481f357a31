#include "shipper/ctl/doctor.h"

#include "common/fileio.h"
#include "common/settings_value.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_ORIGIN = CTL_OPTION_NEXT,
    OPTION_URL,
    OPTION_TOKEN_FILE,
    OPTION_CACERT,
    OPTION_TIMEOUT,
    OPTION_NO_UPLOAD,
    TOKEN_MAX = 16 * 1024,
    DEFAULT_MS = 2 * 60000,
};

struct wish {
    struct doctor doctor;
    struct doctor_site site;
    const char *url, *token_file;
};

static int
take(struct wish *wish, int option)
{
    static const struct settings_kind time = {SETTINGS_TIME, "1s..1h"};
    char why[SETTINGS_WHY_SIZE];

    switch (option) {
    case OPTION_ORIGIN:
        wish->doctor.origin = optarg;
        return -1;
    case OPTION_URL:
        wish->url = optarg;
        return -1;
    case OPTION_TOKEN_FILE:
        wish->token_file = optarg;
        return -1;
    case OPTION_CACERT:
        wish->doctor.ca = optarg;
        return -1;
    case OPTION_NO_UPLOAD:
        wish->site.upload = false;
        return -1;
    case OPTION_TIMEOUT:
        if (settings_value_parse(&time, optarg, &wish->site.timeout_ms, why))
            return ctl_usage(&command_doctor, "\"%s\": %s", optarg, why);
        return -1;
    default:
        return ctl_option(wish->doctor.ctl, &command_doctor, option);
    }
}

static int
parse(struct wish *wish, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_AWS_OPTIONS,
        {"origin", required_argument, NULL, OPTION_ORIGIN},
        {"url", required_argument, NULL, OPTION_URL},
        {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
        {"cacert", required_argument, NULL, OPTION_CACERT},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"no-upload", no_argument, NULL, OPTION_NO_UPLOAD},
        {NULL, 0, NULL, 0},
    };
    struct web_place origin;
    const char *wrong = NULL;
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        code = take(wish, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return ctl_usage(&command_doctor, "%s: no arguments are taken",
                         argv[optind]);
    if (wish->token_file && !wish->url)
        return ctl_usage(&command_doctor, "--token-file goes with --url");
    if (wish->url && (wrong = web_place_url(&wish->site.place, wish->url)))
        return ctl_usage(&command_doctor, "\"%s\": %s", wish->url, wrong);
    if (wish->doctor.origin && (web_place_url(&origin, wish->doctor.origin) ||
                                strcmp(origin.base, wish->doctor.origin) != 0))
        return ctl_usage(&command_doctor,
                         "\"%s\": an origin is like https://shop.example",
                         wish->doctor.origin);
    return -1;
}

/* One line, without blanks around it; what is in it is told to nobody. */
static int
read_token(struct wish *wish)
{
    struct slice token;
    size_t len;
    char *text;
    int r;

    if (!wish->token_file)
        return 0;
    r = fileio_read_all(AT_FDCWD, wish->token_file, TOKEN_MAX, &text, &len);
    if (r < 0)
        return ctl_fail(wish->doctor.ctl, wish->token_file, r);
    while (len && strchr("\r\n\t ", text[len - 1]))
        len--;
    token = slice_trim((struct slice){text, len});
    for (size_t i = 0; i < token.len; i++)
        if (token.data[i] <= ' ' || token.data[i] > '~')
            token.len = 0;
    if (token.len)
        wish->site.token = strndup(token.data, token.len);
    explicit_bzero(text, len);
    free(text);
    return wish->site.token
               ? 0
               : ctl_usage(&command_doctor, "%s: there is no token in it",
                           wish->token_file);
}

static void
look_from_outside(struct wish *wish)
{
    struct doctor_site *site = &wish->site;
    const char *base = site->place.base;
    size_t host = (size_t)(strstr(base, "://") - base) + 3;
    char own[WEB_BASE_SIZE];

    (void)snprintf(own, sizeof(own), "%.*s",
                   (int)(host + strcspn(base + host, "/")), base);
    site->place.ca = wish->doctor.ca;
    site->origin = wish->doctor.origin ? wish->doctor.origin : own;
    site->same_origin = !strcmp(site->origin, own);
    doctor_site(&wish->doctor, site);
    if (site->token && site->upload)
        doctor_upload(&wish->doctor, site);
}

static void
look_around(struct doctor *doctor, int opened)
{
    doctor_reach(doctor);
    doctor_logs(doctor);
    doctor_secrets(doctor);
    doctor_bucket(doctor);
    if (opened)
        doctor_tell(doctor, DOCTOR_FAIL, "spool",
                    "--dir or [spool] dir names the folder; its group may "
                    "look",
                    "the folder cannot be opened");
    else
        doctor_spool(doctor);
    doctor_ingest(doctor);
}

static int
doctor_run(struct ctl *ctl, int argc, char **argv)
{
    struct wish wish = {
        .doctor = {.ctl = ctl},
        .site = {.timeout_ms = DEFAULT_MS, .upload = true},
    };
    int code = parse(&wish, argc, argv), opened = 0;

    if (code >= 0)
        return code;
    code = read_token(&wish); /* as the caller, who may see more than shipper */
    if (!code)
        code = wish.url ? ctl_configure(ctl) : ctl_open(ctl);
    if (!wish.url && code == CTL_UNREACHABLE && ctl->opened) {
        opened = code;
        code = CTL_OK;
    }
    if (!code)
        code = aws_sync_open(&wish.doctor.sync, ctl);
    if (!code) {
        if (wish.url)
            look_from_outside(&wish);
        else
            look_around(&wish.doctor, opened);
        code = wish.doctor.counts[DOCTOR_FAIL] ? CTL_FINDINGS : CTL_OK;
    }
    if (wish.site.token)
        explicit_bzero(wish.site.token, strlen(wish.site.token));
    free(wish.site.token);
    aws_sync_close(wish.doctor.sync);
    return code;
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "[--origin ORIGIN] [--url URL [--token-file FILE]]",
    .about = "What is not as it should be, and what to do about it",
    .help =
        "  --origin ORIGIN   whether a page of https://shop.example may post, "
        "too\n"
        "  --url URL         look at a deployment from outside, instead: five "
        "events and\n"
        "                    an upload, found again in CloudWatch and S3\n"
        "  --token-file FILE an ID or access token of a user who may upload\n"
        "  --no-upload       events alone\n"
        "  --cacert FILE     trust these certificates instead of the "
        "system's\n"
        "  --timeout TIME    wait so long for CloudWatch; 2m\n"
        "\n"
        "One line a check: ok, warn or fail, and what to do. Nothing is "
        "changed, but for what\n--url sends. Exit code 1 where a check "
        "fails.\n",
    .calls_aws = true,
    .run = doctor_run,
};
