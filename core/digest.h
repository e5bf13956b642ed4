/* SHA-256 (libcrypto) and CRC-32C, as the files and keys of undertone use them. */
#ifndef UT_CORE_DIGEST_H
#define UT_CORE_DIGEST_H

#include <stdint.h>

#include "core/status.h"

typedef struct ut_digest ut_digest;
UT_CHECK ut_status ut_digest_open(ut_digest **out, ut_err *err);
void ut_digest_update(ut_digest *digest, const void *data, size_t size);
/* Writes 64 lower-case hex digits and a NUL, and closes *digest. */
void ut_digest_finish(ut_digest **digest, char hex[65]);
/* Gives up without a result. */
void ut_digest_close(ut_digest **digest);

/* SHA-256 of one buffer. */
void ut_sha256(const void *data, size_t size, char hex[65]);
/* A UUID (RFC 9562 version 8) from the first 128 bits of the SHA-256 of `text`. */
void ut_uuid_from_text(const char *text, char uuid[37]);
/* CRC-32C (Castagnoli); start with crc = 0. */
uint32_t ut_crc32c(uint32_t crc, const void *data, size_t size);
/* The same without special instructions: what ut_crc32c falls back to. */
uint32_t ut_crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
