/*
 * floor DIR LEVEL: the least CPU that shipping a spool can cost.
 *
 * Packs the entries of the spool in DIR into the bodies of PutLogEvents calls,
 * as shipper does, and times what no shipper can do without: zlib over each
 * body, and SHA-256 over what that makes, for the signature.  Reading, packing
 * and sending are not timed.  One JSON object on stdout.
 */
#include <dirent.h>
#include <err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <zlib.h>

enum {
    EVENTS_MAX = 10000,
    BYTES_MAX = 1048576,
    EVENT_OVERHEAD = 26,
    BODY_MAX = 8 * BYTES_MAX,
    GZIP_BITS = 15 + 16,
    MEM_LEVEL = 8,
    TS_AT = 25, /* {"_crc":"xxxxxxxx","ts": */
    TS_LEN = 13,
};

static const char HEAD[] = "{\"logGroupName\":\"/clickspool/events\","
                           "\"logStreamName\":\"web-1\",\"logEvents\":[";

struct floor {
    z_stream zip;
    char body[BODY_MAX], packed[BODY_MAX];
    size_t len;           /* of body */
    size_t events, bytes; /* in body, as the limits count them */
    size_t all_events, all_bodies, all_plain, all_packed;
    double deflate_s, sha256_s;
};

static double
cpu_s(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0)
        err(EX_OSERR, "clock_gettime");
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
put(struct floor *floor, const char *bytes, size_t len)
{
    memcpy(floor->body + floor->len, bytes, len);
    floor->len += len;
}

static void
measure(struct floor *floor)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    double start, between;

    if (!floor->events)
        return;
    put(floor, "]}", 2);

    start = cpu_s();
    (void)deflateReset(&floor->zip);
    floor->zip.next_in = (Bytef *)floor->body;
    floor->zip.avail_in = (uInt)floor->len;
    floor->zip.next_out = (Bytef *)floor->packed;
    floor->zip.avail_out = sizeof(floor->packed);
    if (deflate(&floor->zip, Z_FINISH) != Z_STREAM_END)
        errx(EX_SOFTWARE, "deflate");
    between = cpu_s();
    if (!EVP_Digest(floor->packed, floor->zip.total_out, digest, NULL,
                    EVP_sha256(), NULL))
        errx(EX_SOFTWARE, "SHA-256");
    floor->sha256_s += cpu_s() - between;
    floor->deflate_s += between - start;

    floor->all_events += floor->events;
    floor->all_bodies++;
    floor->all_plain += floor->len;
    floor->all_packed += floor->zip.total_out;
    floor->events = floor->bytes = floor->len = 0;
}

static void
add(struct floor *floor, const char *line, size_t len)
{
    size_t cost = len + EVENT_OVERHEAD;

    if (floor->events == EVENTS_MAX || floor->bytes + cost > BYTES_MAX)
        measure(floor);
    if (!floor->events)
        put(floor, HEAD, sizeof(HEAD) - 1);
    else
        put(floor, ",", 1);
    put(floor, "{\"timestamp\":", 13);
    put(floor, line + TS_AT, TS_LEN);
    put(floor, ",\"message\":\"", 12);
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '"' || line[i] == '\\')
            floor->body[floor->len++] = '\\';
        floor->body[floor->len++] = line[i];
    }
    put(floor, "\"}", 2);
    floor->events++;
    floor->bytes += cost;
}

/* Every line but the first, which is a control line. */
static void
read_segment(struct floor *floor, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    bool first = true;
    ssize_t len;

    if (!file)
        err(EX_NOINPUT, "%s", path);
    while ((len = getline(&line, &size, file)) > 0) {
        if (!first && len > TS_AT + TS_LEN)
            add(floor, line, (size_t)len - 1);
        first = false;
    }
    free(line);
    (void)fclose(file);
}

static int
is_segment(const struct dirent *file)
{
    size_t digits = strspn(file->d_name, "0123456789");

    return digits == 20 && !strcmp(file->d_name + digits, ".ndjson");
}

int
main(int argc, char **argv)
{
    static struct floor floor;
    struct dirent **files;
    char path[4096];
    int count;

    if (argc != 3)
        errx(EX_USAGE, "usage: floor DIR LEVEL");
    if (deflateInit2(&floor.zip, atoi(argv[2]), Z_DEFLATED, GZIP_BITS,
                     MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        errx(EX_USAGE, "no such level: %s", argv[2]);
    count = scandir(argv[1], &files, is_segment, alphasort);
    if (count < 0)
        err(EX_NOINPUT, "%s", argv[1]);

    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], files[i]->d_name);
        read_segment(&floor, path);
        free(files[i]);
    }
    measure(&floor);
    free(files);
    (void)deflateEnd(&floor.zip);
    printf("{\"events\":%zu,\"bodies\":%zu,\"plain_bytes\":%zu,"
           "\"gzip_bytes\":%zu,\"deflate_s\":%.3f,\"sha256_s\":%.3f}\n",
           floor.all_events, floor.all_bodies, floor.all_plain,
           floor.all_packed, floor.deflate_s, floor.sha256_s);
    return EX_OK;
}
