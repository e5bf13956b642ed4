#include "core/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct ut_digest {
    EVP_MD_CTX *context;
};

/* SHA-256 of memory cannot fail but by a broken or starved libcrypto. A key made from a wrong
 * digest would mix up recordings silently, so the process stops instead. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static void to_hex(const unsigned char *bytes, size_t size, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * size] = '\0';
}

ut_status ut_digest_open(ut_digest **out, ut_err *err)
{
    ut_digest *digest = calloc(1, sizeof *digest);
    if (!digest || !(digest->context = EVP_MD_CTX_new()) ||
        EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
        if (digest)
            EVP_MD_CTX_free(digest->context);
        free(digest);
        return ut_fail(err, UT_E_NOMEM, "digest: SHA-256");
    }
    *out = digest;
    return UT_OK;
}

void ut_digest_update(ut_digest *digest, const void *data, size_t size)
{
    must(EVP_DigestUpdate(digest->context, data, size));
}

void ut_digest_finish(ut_digest **digest, char hex[65])
{
    unsigned char sum[32];
    must(EVP_DigestFinal_ex((*digest)->context, sum, NULL));
    to_hex(sum, sizeof sum, hex);
    ut_digest_close(digest);
}

void ut_digest_close(ut_digest **digest)
{
    if (!*digest)
        return;
    EVP_MD_CTX_free((*digest)->context);
    free(*digest);
    *digest = NULL;
}

void ut_sha256(const void *data, size_t size, char hex[65])
{
    unsigned char sum[32];
    must(EVP_Digest(data, size, sum, NULL, EVP_sha256(), NULL));
    to_hex(sum, sizeof sum, hex);
}

void ut_uuid_from_text(const char *text, char uuid[37])
{
    unsigned char sum[32];
    must(EVP_Digest(text, strlen(text), sum, NULL, EVP_sha256(), NULL));
    sum[6] = (unsigned char)(0x80 | (sum[6] & 0x0f)); /* version 8 */
    sum[8] = (unsigned char)(0x80 | (sum[8] & 0x3f)); /* RFC 9562 variant */
    char hex[33];
    to_hex(sum, 16, hex);
    static const int groups[] = {8, 4, 4, 4, 12};
    const char *from = hex;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        memcpy(uuid, from, (size_t)groups[g]);
        uuid += groups[g];
        from += groups[g];
        *uuid++ = g < 4 ? '-' : '\0';
    }
}
