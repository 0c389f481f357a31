#include "ingest/upload_seal.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "ingest/base64url.h"
#include "ingest/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_NAME "seal.key"

enum {
    VERSION = 1,
    NONCE = 12,
    TAG = 16,
    PLAIN_MAX = 2048,
    SEALED_MAX = 1 + NONCE + PLAIN_MAX + TAG,
};

struct upload_seal {
    unsigned char key[UPLOAD_SEAL_KEY_SIZE];
};

/* Return: 0, -ENOENT, -EINVAL or another errno. */
static int
read_key(struct upload_seal *seal, int dirfd)
{
    char *bytes;
    size_t len;
    int r;

    r = fileio_read_all(dirfd, KEY_NAME, 4096, &bytes, &len);
    if (r < 0)
        return r;
    if (len == sizeof(seal->key))
        memcpy(seal->key, bytes, len);
    else
        r = -EINVAL;
    OPENSSL_cleanse(bytes, len);
    free(bytes);
    return r;
}

/* What is half written is never found under the key's name. */
static int
make_key(struct upload_seal *seal, int dirfd)
{
    static const char fresh[] = KEY_NAME ".new";
    int fd, r;

    ids_random(seal->key, sizeof(seal->key));
    (void)unlinkat(dirfd, fresh, 0);
    fd = openat(dirfd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = fileio_write_all(fd, seal->key, sizeof(seal->key));
    if (!r)
        r = fileio_sync(fd);
    (void)close(fd);
    if (!r && renameat(dirfd, fresh, dirfd, KEY_NAME) < 0)
        r = -errno;
    return r ? r : fileio_sync(dirfd);
}

int
upload_seal_new(struct upload_seal **created, int dirfd)
{
    struct upload_seal *seal = calloc(1, sizeof(*seal));
    int r;

    if (!seal)
        return -ENOMEM;
    r = read_key(seal, dirfd);
    if (r == -ENOENT)
        r = make_key(seal, dirfd);
    if (r < 0) {
        upload_seal_free(seal);
        return r;
    }
    *created = seal;
    return 0;
}

void
upload_seal_free(struct upload_seal *seal)
{
    if (seal)
        OPENSSL_cleanse(seal, sizeof(*seal));
    free(seal);
}

static void
put_text(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    unsigned char size[2] = {(unsigned char)(len >> 8), (unsigned char)len};

    (void)buf_append(out, size, sizeof(size));
    (void)buf_append(out, text, len);
}

static bool
take(struct slice *from, void *to, size_t len)
{
    if (from->len < len)
        return false;
    memcpy(to, from->data, len);
    *from = (struct slice){from->data + len, from->len - len};
    return true;
}

static bool
take_text(struct slice *from, char *to, size_t most)
{
    unsigned char size[2];
    size_t len;

    if (!take(from, size, sizeof(size)))
        return false;
    len = (size_t)size[0] << 8 | size[1];
    if (len > most || !take(from, to, len))
        return false;
    to[len] = '\0';
    return true;
}

/* Only this machine opens what it has sealed: its own byte order will do. */
static void
pack(struct buf *out, const struct upload *upload)
{
    (void)buf_append(out, upload->id, sizeof(upload->id));
    (void)buf_append(out, &upload->expires_ms, sizeof(upload->expires_ms));
    (void)buf_append(out, &upload->size, sizeof(upload->size));
    put_text(out, upload->sub);
    put_text(out, upload->key);
    put_text(out, upload->type);
    put_text(out, upload->sha256);
}

static bool
unpack(struct slice from, struct upload *upload)
{
    return take(&from, upload->id, sizeof(upload->id)) &&
           take(&from, &upload->expires_ms, sizeof(upload->expires_ms)) &&
           take(&from, &upload->size, sizeof(upload->size)) &&
           take_text(&from, upload->sub, UPLOAD_SUB_MAX) &&
           take_text(&from, upload->key, UPLOAD_KEY_MAX) &&
           take_text(&from, upload->type, UPLOAD_TYPE_MAX) &&
           take_text(&from, upload->sha256, UPLOAD_SHA256_LEN) && !from.len;
}

/* @sealed: version, nonce, and room for the rest. */
static bool
encrypt(const struct upload_seal *seal, unsigned char *sealed,
        const struct buf *plain)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *text = sealed + 1 + NONCE;
    int len;
    bool good;

    good =
        ctx &&
        EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key,
                           sealed + 1) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &len, sealed, 1) == 1 &&
        EVP_EncryptUpdate(ctx, text, &len, (const unsigned char *)plain->data,
                          (int)plain->len) == 1 &&
        EVP_EncryptFinal_ex(ctx, text + len, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG,
                            text + plain->len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

static bool
decrypt(const struct upload_seal *seal, unsigned char *plain,
        unsigned char *sealed, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int text = (int)len - 1 - NONCE - TAG, n;
    bool good;

    good = ctx &&
           EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key,
                              sealed + 1) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &n, sealed, 1) == 1 &&
           EVP_DecryptUpdate(ctx, plain, &n, sealed + 1 + NONCE, text) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG,
                               sealed + 1 + NONCE + text) == 1 &&
           EVP_DecryptFinal_ex(ctx, plain + n, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

int
upload_seal_close(const struct upload_seal *seal, const struct upload *upload,
                  struct buf *out)
{
    unsigned char sealed[SEALED_MAX] = {VERSION};
    char text[BASE64URL_ENCODED(SEALED_MAX)];
    struct buf plain;
    size_t len;
    int r;

    buf_init(&plain, PLAIN_MAX);
    pack(&plain, upload);
    r = plain.failed;
    ids_random(sealed + 1, NONCE);
    if (!r && !encrypt(seal, sealed, &plain))
        r = -ENOMEM;
    if (!r) {
        len = 1 + NONCE + plain.len + TAG;
        base64url_encode(text, sealed, len);
        r = buf_append(out, text, BASE64URL_ENCODED(len));
    }
    buf_deinit(&plain);
    return r;
}

int
upload_seal_open(const struct upload_seal *seal, struct slice id,
                 struct upload *upload)
{
    unsigned char sealed[BASE64URL_DECODED(UPLOAD_SEAL_MAX)];
    unsigned char plain[BASE64URL_DECODED(UPLOAD_SEAL_MAX)];
    ssize_t len;

    if (id.len > UPLOAD_SEAL_MAX)
        return -EINVAL;
    len = base64url_decode(sealed, id);
    if (len < 1 + NONCE + TAG || sealed[0] != VERSION ||
        !decrypt(seal, plain, sealed, (size_t)len) ||
        !unpack((struct slice){(char *)plain, (size_t)len - 1 - NONCE - TAG},
                upload))
        return -EINVAL;
    return 0;
}
