/*
 * gzip both ways: whole or not at all, and never past the limit.
 */
#include "common/gzip.h"

#include "common/buf.h"
#include "tests/check.h"

static struct gzip *gzip;

static void
pack(struct buf *out, const void *bytes, size_t len)
{
    buf_init(out, 1024 * 1024);
    CHECK_INT(gzip_deflate(gzip, bytes, len, out), 0);
}

static void
what_is_packed_comes_back(void)
{
    static char text[300 * 1024];
    struct buf packed, out;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 7 * (i % 11) % 26);
    for (int again = 0; again < 2; again++) { /* one compressor, used twice */
        pack(&packed, text, sizeof(text));
        buf_init(&out, sizeof(text));
        CHECK_INT(gzip_inflate(&out, packed.data, packed.len), 0);
        CHECK_INT(out.len, sizeof(text));
        CHECK(!memcmp(out.data, text, sizeof(text)));
        buf_deinit(&out);
        buf_deinit(&packed);
    }
}

static void
the_limit_holds_at_its_very_byte(void)
{
    static char zeros[256 * 1024];
    struct buf packed, out;

    pack(&packed, zeros, sizeof(zeros));
    CHECK(packed.len < sizeof(zeros) / 100);
    for (int less = -1; less < 3; less++) {
        size_t limit = 3 + sizeof(zeros) - (size_t)less;

        buf_init(&out, limit);
        CHECK_INT(buf_puts(&out, "abc"), 0);
        CHECK_INT(gzip_inflate(&out, packed.data, packed.len),
                  less > 0 ? GZIP_TOO_LARGE : 0);
        CHECK_INT(out.len, less > 0 ? 3 : 3 + sizeof(zeros));
        CHECK_INT(out.failed, 0);
        CHECK(out.cap <= limit);
        CHECK(!memcmp(out.data, "abc", 3));
        buf_deinit(&out);
    }
    buf_deinit(&packed);
}

static void
cut_short_or_followed_by_more_it_is_broken(void)
{
    static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    struct buf packed, out;

    pack(&packed, text, sizeof(text));
    buf_init(&out, sizeof(text));
    for (size_t cut = 0; cut < packed.len; cut++) {
        CHECK_INT(gzip_inflate(&out, packed.data, cut), GZIP_BROKEN);
        CHECK_INT(out.len, 0);
    }
    CHECK_INT(gzip_inflate(&out, "plain text", 10), GZIP_BROKEN);
    CHECK_INT(buf_putc(&packed, 'x'), 0);
    CHECK_INT(gzip_inflate(&out, packed.data, packed.len), GZIP_BROKEN);
    CHECK_INT(out.len, 0);
    buf_deinit(&out);
    buf_deinit(&packed);
}

static void
a_wrong_bit_in_text_or_trailer_is_found(void)
{
    static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct buf packed, out;

    pack(&packed, text, sizeof(text));
    buf_init(&out, 4096);
    for (size_t at = 10; at < packed.len; at++) /* behind the header */
        for (int bit = 0; bit < 8; bit++) {
            int r;

            packed.data[at] = (char)(packed.data[at] ^ 1 << bit);
            r = gzip_inflate(&out, packed.data, packed.len);
            packed.data[at] = (char)(packed.data[at] ^ 1 << bit);
            /* A stored distance may mean the same: then so does the text. */
            CHECK(r || (out.len == sizeof(text) &&
                        !memcmp(out.data, text, sizeof(text))));
            buf_clear(&out);
        }
    buf_deinit(&out);
    buf_deinit(&packed);
}

static void
several_members_are_one_text(void)
{
    static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct buf packed, two, out;

    pack(&packed, text, sizeof(text));
    buf_init(&two, 4096);
    CHECK_INT(buf_append(&two, packed.data, packed.len), 0);
    CHECK_INT(buf_append(&two, packed.data, packed.len), 0);
    for (int less = 0; less < 2; less++) {
        buf_init(&out, 2 * sizeof(text) - (size_t)less);
        CHECK_INT(gzip_inflate(&out, two.data, two.len),
                  less ? GZIP_TOO_LARGE : 0);
        CHECK_INT(out.len, less ? 0 : 2 * sizeof(text));
        buf_deinit(&out);
    }
    buf_init(&out, 4096);
    for (size_t cut = packed.len + 1; cut < two.len; cut++)
        CHECK_INT(gzip_inflate(&out, two.data, cut), GZIP_BROKEN);
    buf_deinit(&out);
    buf_deinit(&two);
    buf_deinit(&packed);
}

static void
what_does_not_shrink_is_given_up(void)
{
    char noise[4096];
    uint64_t x = 88172645463325252;
    struct buf out;

    for (size_t i = 0; i < sizeof(noise); i++) { /* xorshift64 */
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        noise[i] = (char)x;
    }
    buf_init(&out, 64 * 1024);
    CHECK_INT(gzip_deflate(gzip, noise, sizeof(noise), &out), GZIP_TOO_LARGE);
    CHECK_INT(gzip_deflate(gzip, "a", 1, &out), GZIP_TOO_LARGE);
    CHECK_INT(gzip_deflate(gzip, "", 0, &out), GZIP_TOO_LARGE);
    buf_deinit(&out);
}

int
main(void)
{
    CHECK_INT(gzip_new(&gzip, 1), 0);
    what_is_packed_comes_back();
    the_limit_holds_at_its_very_byte();
    cut_short_or_followed_by_more_it_is_broken();
    a_wrong_bit_in_text_or_trailer_is_found();
    several_members_are_one_text();
    what_does_not_shrink_is_given_up();
    gzip_free(gzip);
    gzip_free(NULL);
    return 0;
}
