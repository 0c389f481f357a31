#include "shipper/ctl/pretty.h"

#include "common/buf.h"
#include "common/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    STRING_MAX = 4 * 1024 * 1024, /* of a line, with each byte escaped */
    STEP = 2,                     /* blanks a level */
    HEX_ROW = 16,
};

/* How far the string reaches whose quote is the first byte. */
static size_t
string_len(struct slice text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] == '"')
            return i + 1;
        if (text.data[i] == '\\')
            i++;
    }
    return text.len;
}

/* What stands between the quotes of a string. */
static void
append_inside(struct buf *out, struct slice inside)
{
    while (inside.len) {
        const char *escape = memchr(inside.data, '\\', inside.len);
        size_t plain = escape ? (size_t)(escape - inside.data) : inside.len;
        size_t past = inside.len - plain < 2 ? inside.len - plain : 2;

        json_escape_printable(out, inside.data, plain);
        (void)buf_append(out, inside.data + plain, past);
        inside.data += plain + past;
        inside.len -= plain + past;
    }
}

static void
flush(struct buf *out)
{
    if (out->len)
        (void)fwrite(out->data, 1, out->len, stdout);
    buf_clear(out);
}

static int
columns(const struct buf *text)
{
    int count = 0;

    for (size_t i = 0; i < text->len; i++)
        count += ((unsigned char)text->data[i] & 0xc0) != 0x80;
    return count;
}

void
pretty_cell(struct slice value, int width)
{
    struct buf text;

    buf_init(&text, STRING_MAX);
    if (!value.data || slice_is(value, "null"))
        (void)buf_putc(&text, '-');
    else if (value.len >= 2 && *value.data == '"')
        append_inside(&text, (struct slice){value.data + 1, value.len - 2});
    else
        (void)buf_append(&text, value.data, value.len);
    width -= columns(&text);
    flush(&text);
    buf_deinit(&text);
    if (width > 0)
        printf("%*s", width, "");
}

static void
new_line(int margin, int depth)
{
    printf("\n%*s", margin + depth * STEP, "");
}

/* Return: how many bytes of @text one token takes, printed. */
static size_t
print_token(struct slice text, int margin, int *depth, struct buf *string)
{
    char c = *text.data;
    size_t len = 1;

    switch (c) {
    case '"':
        len = string_len(text);
        (void)buf_putc(string, '"');
        append_inside(string, (struct slice){text.data + 1, len - 2});
        (void)buf_putc(string, '"');
        flush(string);
        break;
    case '{':
    case '[':
        putchar(c);
        if (text.len > 1 && text.data[1] != c + 2) /* '}' and ']' */
            new_line(margin, ++*depth);
        else if (text.len > 1)
            putchar(text.data[len++]);
        break;
    case '}':
    case ']':
        new_line(margin, --*depth);
        putchar(c);
        break;
    case ',':
        putchar(c);
        new_line(margin, *depth);
        break;
    case ':':
        fputs(": ", stdout);
        break;
    case ' ':
    case '\t':
        break;
    default:
        putchar(c);
    }
    return len;
}

void
pretty_json(struct slice value, int margin)
{
    struct buf string;
    int depth = 0;

    buf_init(&string, STRING_MAX);
    while (value.len) {
        size_t len = print_token(value, margin, &depth, &string);

        value.data += len;
        value.len -= len;
    }
    buf_deinit(&string);
}

void
pretty_hex(const unsigned char *bytes, size_t len, uint64_t offset, int margin)
{
    for (size_t row = 0; row < len; row += HEX_ROW) {
        size_t end = row + HEX_ROW < len ? row + HEX_ROW : len;

        if (row)
            new_line(margin, 0);
        printf("%08" PRIx64 " ", offset + row);
        for (size_t i = row; i < row + HEX_ROW; i++) {
            if (i % 8 == 0 && i > row)
                putchar(' ');
            if (i < end)
                printf(" %02x", bytes[i]);
            else
                fputs("   ", stdout);
        }
        fputs("  |", stdout);
        for (size_t i = row; i < end; i++)
            putchar(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
        putchar('|');
    }
}
