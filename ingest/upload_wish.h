#pragma once

#include "common/slice.h"

#include <stdint.h>

/*
 * The bodies of presign and complete, read strictly: what is not known is
 * refused with its pointer.  Pure; slices point into the body.
 */
enum {
    UPLOAD_PRODUCT_MAX = 128,
    UPLOAD_FILE_NAME_MAX = 256,
    UPLOAD_METADATA_MAX = 20,
    UPLOAD_METADATA_BYTES_MAX = 4096,
};

struct upload_wish {
    struct slice type;
    uint64_t length;
    struct slice product; /* or NULL data */
    struct slice file_name;
    struct slice sha256;
};

struct upload_done {
    struct slice id;
    struct slice key;      /* or NULL data */
    struct slice metadata; /* the object's JSON, or NULL data */
    bool metadata_spaced;
};

/** What is wrong: a pointer (RFC 6901), a code of section 4 and words. */
struct upload_fault {
    char pointer[80];
    const char *code;
    const char *detail;
};

/** upload_wish_read(): Return: 0, or -EINVAL with *@fault. */
int upload_wish_read(struct upload_wish *wish, struct slice body,
                     struct upload_fault *fault);

/** upload_done_read(): Return: 0, or -EINVAL with *@fault. */
int upload_done_read(struct upload_done *done, struct slice body,
                     struct upload_fault *fault);
