#include "common/json.h"

#include "common/buf.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

enum { JSON_DEPTH_MAX = 32 };

static void
escape_byte(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        (void)buf_putc(out, '\\');
        (void)buf_putc(out, (char)c);
        break;
    case '\n':
        (void)buf_puts(out, "\\n");
        break;
    case '\r':
        (void)buf_puts(out, "\\r");
        break;
    case '\t':
        (void)buf_puts(out, "\\t");
        break;
    default:
        if (c < 0x20)
            (void)buf_printf(out, "\\u%04x", c);
        else
            (void)buf_putc(out, (char)c);
    }
}

void
json_escape(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        escape_byte(out, (unsigned char)text[i]);
}

/* The length of the UTF-8 sequence at @s and its code point; 0: not UTF-8. */
static size_t
utf8_decode(const unsigned char *s, size_t len, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80    ? 1
               : s[0] < 0xc0  ? 0
               : s[0] < 0xe0  ? 2
               : s[0] < 0xf0  ? 3
               : s[0] <= 0xf4 ? 4
                              : 0;

    if (!n || n > len)
        return 0;
    *point = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *point = *point << 6 | (s[i] & 0x3f);
    }
    if (*point < least[n] || *point > 0x10ffff ||
        (*point >= 0xd800 && *point <= 0xdfff))
        return 0;
    return n;
}

static bool
point_is_unseen(uint32_t point)
{
    return (point >= 0x7f && point <= 0x9f) || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

void
json_escape_printable(struct buf *out, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    while (len) {
        uint32_t point = 0;
        size_t n = utf8_decode(s, len, &point);

        if (!n)
            (void)buf_puts(out, "\xef\xbf\xbd");
        else if (point_is_unseen(point))
            (void)buf_printf(out, "\\u%04x", (unsigned)point);
        else if (n == 1)
            escape_byte(out, *s);
        else
            (void)buf_append(out, s, n);
        s += n ? n : 1;
        len -= n ? n : 1;
    }
}

void
json_string(struct buf *out, const char *text)
{
    if (!text) {
        (void)buf_puts(out, "null");
        return;
    }
    (void)buf_putc(out, '"');
    json_escape(out, text, strlen(text));
    (void)buf_putc(out, '"');
}

/* cJSON recurses 1,000 deep; what we read has no reason to. */
static bool
too_deep(const char *text, size_t len)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return true;
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return false;
}

struct cJSON *
json_parse(const char *text, size_t len)
{
    const char *end = NULL;
    cJSON *tree;

    if (too_deep(text, len))
        return NULL;
    tree = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (!tree)
        return NULL;
    for (; end < text + len; end++)
        if (*end != ' ' && *end != '\t' && *end != '\n' && *end != '\r') {
            cJSON_Delete(tree);
            return NULL;
        }
    return tree;
}

const char *
json_get_string(const struct cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool
json_get_uint(const struct cJSON *object, const char *name, uint64_t *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    double number;

    if (!cJSON_IsNumber(item))
        return false;
    number = item->valuedouble;
    if (!(number >= 0 && number <= 9007199254740992.0) ||
        number != floor(number))
        return false;
    *value = (uint64_t)number;
    return true;
}

void
json_wipe(cJSON *item)
{
    for (; item; item = item->next) {
        if (item->valuestring)
            explicit_bzero(item->valuestring, strlen(item->valuestring));
        json_wipe(item->child);
    }
}
