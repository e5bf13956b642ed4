/* A DSN of any bytes, short of opening what it names; its message must not show what follows an unknown scheme. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db/backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ut_store_ops *ops = NULL;
    const char *where = NULL;
    ut_err err = {0};
    char *dsn = malloc(size + 1);
    if (!dsn)
        return 0;
    memcpy(dsn, data, size);
    dsn[size] = '\0';
    if (ut_dsn_parse(dsn, &ops, &where, &err) == UT_OK) {
        if (!ops || !*where)
            __builtin_trap();
    } else if (!err.text[0] ||
               (strncmp(dsn, "postgresql:", 11) == 0 && strlen(dsn) > 30 && strstr(err.text, dsn + 11))) {
        __builtin_trap();
    }
    free(dsn);
    return 0;
}
