#include "common/metrics.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/histogram.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PREFIX "clickspool_"

void
metrics_family(struct buf *out, const char *name, const char *type,
               const char *help)
{
    (void)buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
                     name, help, name, type);
}

static void
print_sample(struct buf *out, const char *name, const char *labels)
{
    (void)buf_puts(out, name);
    if (*labels)
        (void)buf_printf(out, "{%s}", labels);
    (void)buf_putc(out, ' ');
}

void
metrics_number(struct buf *out, const char *name, const char *labels,
               double value)
{
    (void)buf_puts(out, PREFIX);
    print_sample(out, name, labels);
    (void)buf_printf(out, "%.15g\n", value);
}

void
metrics_count(struct buf *out, const char *name, const char *labels,
              uint64_t value)
{
    (void)buf_puts(out, PREFIX);
    print_sample(out, name, labels);
    (void)buf_printf(out, "%" PRIu64 "\n", value);
}

void
metrics_histogram(struct buf *out, const char *name, const char *labels,
                  const struct histogram *histogram, double unit)
{
    const char *comma = *labels ? "," : "";
    char suffixed[96];
    uint64_t below = 0;

    /* Every fourth bucket: each power of two. */
    for (unsigned i = 0; i + 4 < HISTOGRAM_BUCKETS; i++) {
        below += histogram->counts[i];
        if (i % 4 != 3 || i > 100)
            continue;
        (void)buf_printf(out, PREFIX "%s_bucket{%s%sle=\"%.9g\"} %" PRIu64 "\n",
                         name, labels, comma,
                         ((double)histogram_top(i) + 1) * unit, below);
    }
    (void)buf_printf(out, PREFIX "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n",
                     name, labels, comma, histogram->count);
    (void)snprintf(suffixed, sizeof(suffixed), "%s_sum", name);
    metrics_number(out, suffixed, labels, (double)histogram->sum * unit);
    (void)snprintf(suffixed, sizeof(suffixed), "%s_count", name);
    metrics_count(out, suffixed, labels, histogram->count);
}

/* What /proc says of this process. */
struct process {
    double cpu_s, start_s;
    double resident, virtual_bytes;
    double fds, max_fds;
};

static double
boot_time(void)
{
    char line[256];
    double seconds = 0;
    FILE *file = fopen("/proc/stat", "re");

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "btime %lf", &seconds) == 1)
            break;
    if (file)
        (void)fclose(file);
    /* ProcSubset=pid hides the file. */
    if (seconds <= 0)
        seconds = (double)(clock_wall_ms() - clock_boot_us() / 1000) / 1e3;
    return seconds;
}

static double
count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double count = 0;

    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count - 3; /* ".", ".." and the folder itself */
}

static struct process
look_at_process(void)
{
    double tick = (double)sysconf(_SC_CLK_TCK);
    struct process process = {.fds = count_fds()};
    unsigned long long user, kernel, start, bytes;
    struct rlimit limit;
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    const char *rest;
    long pages;

    if (file) {
        (void)!fread(text, 1, sizeof(text) - 1, file);
        (void)fclose(file);
    }
    /* proc(5): fields 14, 15, 22, 23 and 24, behind a name in brackets. */
    rest = strrchr(text, ')');
    if (rest && sscanf(rest + 1,
                       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu "
                       "%llu %*d %*d %*d %*d %*d %*d %llu %llu %ld",
                       &user, &kernel, &start, &bytes, &pages) == 5) {
        process.cpu_s = (double)(user + kernel) / tick;
        process.start_s = boot_time() + (double)start / tick;
        process.virtual_bytes = (double)bytes;
        process.resident = (double)pages * (double)sysconf(_SC_PAGESIZE);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process.max_fds = (double)limit.rlim_cur;
    return process;
}

struct shared {
    const char *name, *type, *help;
    double value;
};

/* What a line is a sample or a comment of. */
static struct slice
family_of(struct slice line)
{
    struct slice rest;

    if (line.len > 7 &&
        (!memcmp(line.data, "# HELP ", 7) || !memcmp(line.data, "# TYPE ", 7)))
        line = (struct slice){line.data + 7, line.len - 7};
    line = slice_split(line, ' ', &rest);
    return slice_split(line, '{', &rest);
}

static bool
is_shared(struct slice family)
{
    static const char *const names[] = {PREFIX "build_info",
                                        PREFIX "config_last_reload_successful"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (slice_is(family, names[i]))
            return true;
    return family.len > 8 && !memcmp(family.data, "process_", 8);
}

static void
copy_samples(struct buf *out, struct slice other, const char *name)
{
    while (other.len) {
        struct slice line = slice_split(other, '\n', &other);

        if (line.len && *line.data != '#' && slice_is(family_of(line), name)) {
            (void)buf_append(out, line.data, line.len);
            (void)buf_putc(out, '\n');
        }
    }
}

void
metrics_rest(struct buf *out, struct slice other)
{
    while (other.len) {
        struct slice line = slice_split(other, '\n', &other);

        if (line.len && !is_shared(family_of(line))) {
            (void)buf_append(out, line.data, line.len);
            (void)buf_putc(out, '\n');
        }
    }
}

void
metrics_both(struct buf *out, const struct metrics_self *self,
             struct slice other)
{
    const struct process process = look_at_process();
    const struct shared shared[] = {
        {PREFIX "config_last_reload_successful", "gauge",
         "Whether the last reload of the configuration was good.",
         self->reloaded},
        {"process_cpu_seconds_total", "counter", "User and system CPU time.",
         process.cpu_s},
        {"process_start_time_seconds", "gauge", "Start, since the epoch.",
         process.start_s},
        {"process_resident_memory_bytes", "gauge", "Resident memory.",
         process.resident},
        {"process_virtual_memory_bytes", "gauge", "Virtual memory.",
         process.virtual_bytes},
        {"process_open_fds", "gauge", "Open file descriptors.", process.fds},
        {"process_max_fds", "gauge", "Most that may be open.", process.max_fds},
    };

    metrics_family(out, "build_info", "gauge", "The version, as a label.");
    (void)buf_printf(out,
                     PREFIX "build_info{program=\"%s\",version=\"%s\"} 1\n",
                     self->program, CLICKSPOOL_VERSION);
    copy_samples(out, other, PREFIX "build_info");
    for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++) {
        (void)buf_printf(out,
                         "# HELP %s %s\n# TYPE %s %s\n"
                         "%s{program=\"%s\"} %.15g\n",
                         shared[i].name, shared[i].help, shared[i].name,
                         shared[i].type, shared[i].name, self->program,
                         shared[i].value);
        copy_samples(out, other, shared[i].name);
    }
}
