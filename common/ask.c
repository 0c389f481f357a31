#include "common/ask.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/settings.h"
#include "common/unix_socket.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

cJSON *
ask_read(struct slice line)
{
    cJSON *object = json_parse(line.data, line.len);

    if (cJSON_IsObject(object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

int
ask_version_ok(const cJSON *line)
{
    uint64_t version;

    return json_get_uint(line, "v", &version) && version == ASK_VERSION;
}

void
ask_begin(struct buf *out, uint64_t id)
{
    (void)buf_printf(out, "{\"v\":%d,\"id\":%" PRIu64, ASK_VERSION, id);
}

void
ask_end(struct buf *out)
{
    (void)buf_puts(out, "}\n");
}

void
ask_refuse(struct buf *out, uint64_t id, const char *code, const char *why)
{
    ask_begin(out, id);
    (void)buf_printf(out, ",\"ok\":false,\"code\":\"%s\",\"why\":", code);
    json_string(out, why);
    ask_end(out);
}

void
ask_check(struct settings *settings)
{
    if (!unix_socket_path_ok(settings->broker.socket))
        settings_complain(settings, "broker.socket",
                          "a socket has a path from the root of at most %d "
                          "bytes",
                          UNIX_SOCKET_PATH_MAX);
}
