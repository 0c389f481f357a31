#include "shipper/ctl/certificate.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void
take_name(struct certificate *certificate, const ASN1_STRING *name)
{
    const char *text = (const char *)ASN1_STRING_get0_data(name);
    size_t len = (size_t)ASN1_STRING_length(name);
    const char *host = "";

    if (len >= 2 && !memcmp(text, "*.", 2)) {
        host = "clickspool";
        text++, len--;
    }
    if (len && !memchr(text, '\0', len) &&
        strlen(host) + len < CERTIFICATE_NAME_SIZE)
        (void)snprintf(certificate->name, CERTIFICATE_NAME_SIZE, "%s%.*s", host,
                       (int)len, text);
}

static void
find_name(struct certificate *certificate, const X509 *x509)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS && !*certificate->name)
            take_name(certificate, name->d.dNSName);
    }
    GENERAL_NAMES_free(names);
}

static int
take(struct certificate *certificate, BIO *bio)
{
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    struct tm end;
    int r = -EINVAL;

    *certificate = (struct certificate){0};
    if (x509 && ASN1_TIME_to_tm(X509_get0_notAfter(x509), &end) == 1) {
        certificate->not_after_ms = (int64_t)timegm(&end) * 1000;
        find_name(certificate, x509);
        r = 0;
    }
    X509_free(x509);
    BIO_free(bio);
    return r;
}

int
certificate_read(struct certificate *certificate, const char *path)
{
    FILE *file = fopen(path, "re");

    return file ? take(certificate, BIO_new_fp(file, BIO_CLOSE)) : -errno;
}

int
certificate_parse(struct certificate *certificate, const char *pem)
{
    return take(certificate, BIO_new_mem_buf(pem, -1));
}
