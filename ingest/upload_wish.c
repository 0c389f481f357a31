#include "ingest/upload_wish.h"

#include "ingest/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A member that is known; take() says what would be right, or NULL. */
struct member {
    const char *name;
    const char *(*take)(void *into, const struct scan_value *value);
};

static int
refuse(struct upload_fault *fault, struct slice name, const char *code,
       const char *detail)
{
    (void)snprintf(fault->pointer, sizeof(fault->pointer), "%s%.*s",
                   name.len ? "/" : "", name.len > 64 ? 64 : (int)name.len,
                   name.data ? name.data : "");
    fault->code = code;
    fault->detail = detail;
    return -EINVAL;
}

/* Each member once, and none that is not known. */
static int
read_members(void *into, struct slice body, const struct member *members,
             size_t count, struct upload_fault *fault)
{
    const struct slice nothing = {NULL, 0};
    struct scan_value document, value;
    struct slice name;
    struct scan scan;
    bool escaped;

    if (scan_document(body, &document) != SCAN_FOUND)
        return refuse(fault, nothing, "invalid_json", "the body is not JSON");
    if (document.kind != SCAN_OBJECT || document.odd || document.crowded ||
        scan_open(&scan, document.bytes) != SCAN_FOUND)
        return refuse(fault, nothing, "wrong_type", "send an object");
    while (scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND) {
        const char *wants = "there is no such member";
        size_t i = 0;

        if (value.kind == SCAN_NULL)
            continue;
        while (i < count && !slice_is(name, members[i].name))
            i++;
        if (i == count)
            return refuse(fault, name, "unknown_field", wants);
        wants = members[i].take(into, &value);
        if (wants)
            return refuse(fault, name, "bad_format", wants);
    }
    return 0;
}

/* Text without escapes, of one to @most bytes, each one of @allowed. */
static bool
take_text(struct slice *into, const struct scan_value *value, size_t most,
          const char *allowed)
{
    struct slice text;

    if (value->kind != SCAN_STRING || value->escaped)
        return false;
    text = scan_text(value);
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(allowed, text.data[i]))
            return false;
    *into = text;
    return text.len && text.len <= most;
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char *
take_type(void *into, const struct scan_value *value)
{
    struct upload_wish *wish = into;

    return take_text(&wish->type, value, 128, ALNUM "/.+-_")
               ? NULL
               : "a media type, as in image/jpeg";
}

static const char *
take_length(void *into, const struct scan_value *value)
{
    struct upload_wish *wish = into;

    if (value->kind != SCAN_NUMBER || value->bytes.len > 15)
        return "a whole number of bytes";
    for (size_t i = 0; i < value->bytes.len; i++) {
        char digit = value->bytes.data[i];

        if (digit < '0' || digit > '9')
            return "a whole number of bytes";
        wish->length = wish->length * 10 + (uint64_t)(digit - '0');
    }
    return wish->length ? NULL : "at least one byte";
}

/* It becomes part of a key, so it is nothing but a plain word. */
static const char *
take_product(void *into, const struct scan_value *value)
{
    struct upload_wish *wish = into;

    if (!take_text(&wish->product, value, UPLOAD_PRODUCT_MAX, ALNUM "._-") ||
        slice_is(wish->product, ".") || slice_is(wish->product, ".."))
        return "1 to 128 of A-Za-z0-9._-";
    return NULL;
}

static const char *
take_file_name(void *into, const struct scan_value *value)
{
    struct upload_wish *wish = into;

    if (value->kind != SCAN_STRING || value->points > UPLOAD_FILE_NAME_MAX)
        return "a text of at most 256 characters";
    wish->file_name = scan_text(value);
    return NULL;
}

static const char *
take_sha256(void *into, const struct scan_value *value)
{
    struct upload_wish *wish = into;
    /* 32 bytes leave four bits in the last character, two of them zero. */
    static const char last[] = "AEIMQUYcgkosw048";

    if (!take_text(&wish->sha256, value, 44, ALNUM "+/=") ||
        wish->sha256.len != 44 || wish->sha256.data[43] != '=' ||
        memchr(wish->sha256.data, '=', 43) ||
        !strchr(last, wish->sha256.data[42]))
        return "base64 of the 32 bytes of a SHA-256";
    return NULL;
}

int
upload_wish_read(struct upload_wish *wish, struct slice body,
                 struct upload_fault *fault)
{
    static const struct member members[] = {
        {"contentType", take_type},      {"contentLength", take_length},
        {"productId", take_product},     {"fileName", take_file_name},
        {"checksumSha256", take_sha256},
    };

    *wish = (struct upload_wish){.length = 0};
    if (read_members(wish, body, members, sizeof(members) / sizeof(*members),
                     fault) < 0)
        return -EINVAL;
    if (!wish->type.data)
        return refuse(fault, SLICE("contentType"), "missing_field",
                      "it is required");
    if (!wish->length)
        return refuse(fault, SLICE("contentLength"), "missing_field",
                      "it is required");
    return 0;
}

static const char *
take_id(void *into, const struct scan_value *value)
{
    struct upload_done *done = into;

    if (value->kind != SCAN_STRING)
        return "the text that presign gave";
    done->id = scan_text(value);
    return NULL;
}

static const char *
take_key(void *into, const struct scan_value *value)
{
    struct upload_done *done = into;

    if (value->kind != SCAN_STRING)
        return "the text that presign gave";
    done->key = scan_text(value);
    return NULL;
}

static const char *
take_metadata(void *into, const struct scan_value *value)
{
    static const char wants[] =
        "an object of up to 20 texts, numbers and booleans, 4 KiB in all";
    struct upload_done *done = into;
    struct scan_value member;
    size_t count = 0;
    struct slice name;
    struct scan scan;
    bool escaped;

    if (value->kind != SCAN_OBJECT ||
        value->bytes.len > UPLOAD_METADATA_BYTES_MAX ||
        scan_open(&scan, value->bytes) != SCAN_FOUND)
        return wants;
    while (scan_next(&scan, &name, &escaped, &member) == SCAN_FOUND) {
        if (member.kind == SCAN_OBJECT || member.kind == SCAN_ARRAY ||
            ++count > UPLOAD_METADATA_MAX)
            return wants;
        if (name.len && *name.data == '_')
            return "names that begin with _ are not a client's";
    }
    done->metadata = value->bytes;
    done->metadata_spaced = value->spaced;
    return NULL;
}

int
upload_done_read(struct upload_done *done, struct slice body,
                 struct upload_fault *fault)
{
    static const struct member members[] = {
        {"uploadId", take_id},
        {"key", take_key},
        {"metadata", take_metadata},
    };

    *done = (struct upload_done){.id = {NULL, 0}};
    if (read_members(done, body, members, sizeof(members) / sizeof(*members),
                     fault) < 0)
        return -EINVAL;
    if (!done->id.data)
        return refuse(fault, SLICE("uploadId"), "missing_field",
                      "it is required");
    return 0;
}
