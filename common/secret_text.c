#include "common/secret_text.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void
secret_free(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}
