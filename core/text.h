/* UTF-8 of text from outside. */
#ifndef UT_CORE_TEXT_H
#define UT_CORE_TEXT_H

#include <stddef.h>

/* Bytes from the start that are valid UTF-8 (RFC 3629: no overlong forms, no surrogates); `size` if
 * all are. */
size_t ut_utf8_span(const char *text, size_t size);
/* Replaces each byte that does not fit by '?', in place. Returns text. */
char *ut_utf8_clean(char *text);

#endif
