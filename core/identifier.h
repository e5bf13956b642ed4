/* The identifiers of the music trade: form, check digits, and one spelling of each. */
#ifndef UT_CORE_IDENTIFIER_H
#define UT_CORE_IDENTIFIER_H

#include "core/status.h"

/* Each writes the one spelling and returns true, or returns false and leaves `out` alone. Spaces
 * around, and the usual separators, are taken.
 *
 * ISRC (ISO 3901): two letters, three letters or digits, seven digits: "GBAYE0000351". Without a
 * check digit. */
UT_CHECK bool ut_isrc_parse(const char *text, char out[13]);
/* ISWC (ISO 15707): T, nine digits, check digit modulo 10: "T-034.524.680-1". */
UT_CHECK bool ut_iswc_parse(const char *text, char out[16]);
/* IPI name number: eleven digits, the last two a check modulo 101; leading zeros may be missing:
 * "00017798450". */
UT_CHECK bool ut_ipi_parse(const char *text, char out[12]);

#endif
