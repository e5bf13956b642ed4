/* Rows to the server by binary COPY, within a transaction. A failure between begin and end is kept for end to tell.
 * Private to db/postgres_*.c. */
#ifndef UT_DB_POSTGRES_COPY_H
#define UT_DB_POSTGRES_COPY_H

#include "db/postgres.h"

typedef struct {
    ut_postgres *self;
    char *data;
    size_t size;
    bool failed;
} ut_pg_copy;

/* sql: "COPY table (columns) FROM STDIN (FORMAT binary)". After UT_OK, end must follow. */
UT_CHECK ut_status ut_pg_copy_begin(ut_postgres *self, const char *sql, ut_pg_copy *copy, ut_err *err);
/* A row of so many columns; then each of them, in order. Types must be those of the table: bigint, double precision
 * (NAN: NULL), text (NULL: NULL; bytes that are no UTF-8 become '?'), bytea. */
void ut_pg_copy_row(ut_pg_copy *copy, int columns);
void ut_pg_copy_int(ut_pg_copy *copy, int64_t value);
void ut_pg_copy_real(ut_pg_copy *copy, double value);
void ut_pg_copy_text(ut_pg_copy *copy, const char *text);
void ut_pg_copy_bytes(ut_pg_copy *copy, const void *data, size_t size);
UT_CHECK ut_status ut_pg_copy_end(ut_pg_copy *copy, ut_err *err);

#endif
