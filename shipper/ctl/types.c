#include "common/buf.h"
#include "common/catalog.h"
#include "shipper/ctl/catalog_json.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/typescript.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 4 * 1024 * 1024 };

static int
parse(struct ctl *ctl, const char **file, int argc, char **argv)
{
    static const struct option known[] = {CTL_OPTIONS, {NULL, 0, NULL, 0}};
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        code = ctl_option(ctl, &command_types, c);
        if (code >= 0)
            return code;
    }
    if (argc - optind > 1)
        return ctl_usage(&command_types, "%s: one file is taken",
                         argv[optind + 1]);
    *file = argv[optind];
    return -1;
}

/* As if the configuration named it. */
static int
use_file(struct settings *settings, const char *file)
{
    char *path = strdup(file);

    if (!path)
        return -ENOMEM;
    free(settings->events.catalog);
    settings->events.catalog = path;
    return 0;
}

static int
show(const struct ctl *ctl, const struct catalog *catalog)
{
    struct buf out;
    int code = CTL_OK;

    buf_init(&out, OUT_MAX);
    if (ctl->json)
        catalog_json(&out, catalog);
    else
        typescript_write(&out, catalog);
    if (out.failed)
        code = ctl_fail(ctl, "the types cannot be made", out.failed);
    else
        (void)fwrite(out.data, 1, out.len, stdout);
    buf_deinit(&out);
    return code;
}

static int
types_run(struct ctl *ctl, int argc, char **argv)
{
    struct catalog *catalog = NULL;
    const char *file = NULL;
    int code, r;

    code = parse(ctl, &file, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_configure(ctl);
    if (code)
        return code;
    r = file ? use_file(&ctl->settings, file) : 0;
    if (!r)
        r = catalog_load(&catalog, &ctl->settings);
    if (r == -EINVAL)
        return CTL_CONFIG;
    code =
        r ? ctl_fail(ctl, "the catalog cannot be read", r) : show(ctl, catalog);
    catalog_free(catalog);
    return code;
}

const struct command command_types = {
    .name = "types",
    .arguments = "[CATALOG]",
    .about = "TypeScript types of the catalog's events",
    .help = "Of the catalog that [events] catalog names, or the built-in one; "
            "or of the file\nCATALOG. The output is a module without imports. "
            "With --json, the catalog itself,\nas ingest understands it.\n",
    .run = types_run,
};
