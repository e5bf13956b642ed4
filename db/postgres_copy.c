/* Binary COPY: how many rows go to the server in one statement. The format is that of the manual's page on COPY. */
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "db/postgres_copy.h"

enum { CHUNK = 1 << 18 };

static void chunk_send(ut_pg_copy *copy)
{
    if (copy->size && !copy->failed && PQputCopyData(copy->self->conn, copy->data, (int)copy->size) != 1)
        copy->failed = true;
    copy->size = 0;
}

static void put(ut_pg_copy *copy, const void *data, size_t size)
{
    if (copy->size + size > CHUNK)
        chunk_send(copy);
    if (size > CHUNK) {
        if (!copy->failed && PQputCopyData(copy->self->conn, data, (int)size) != 1)
            copy->failed = true;
        return;
    }
    if (size)
        memcpy(copy->data + copy->size, data, size);
    copy->size += size;
}

static void put_size(ut_pg_copy *copy, int32_t size)
{
    uint32_t big = htobe32((uint32_t)size);
    put(copy, &big, sizeof big);
}

ut_status ut_pg_copy_begin(ut_postgres *self, const char *sql, ut_pg_copy *copy, ut_err *err)
{
    static const char header[19] = "PGCOPY\n\377\r\n"; /* then flags and the size of an extension: none */
    *copy = (ut_pg_copy){.self = self, .data = malloc(CHUNK)};
    if (!copy->data)
        return ut_fail(err, UT_E_NOMEM, "store %s: copy", self->name);
    PGresult *result = PQexec(self->conn, sql);
    ut_status rc = PQresultStatus(result) == PGRES_COPY_IN ? UT_OK : ut_pg_fail(self, result, err);
    PQclear(result);
    if (rc == UT_OK) {
        put(copy, header, sizeof header);
    } else {
        free(copy->data);
        copy->data = NULL;
    }
    return rc;
}

void ut_pg_copy_row(ut_pg_copy *copy, int columns)
{
    uint16_t big = htobe16((uint16_t)columns);
    put(copy, &big, sizeof big);
}

void ut_pg_copy_int(ut_pg_copy *copy, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    put_size(copy, sizeof big);
    put(copy, &big, sizeof big);
}

void ut_pg_copy_real(ut_pg_copy *copy, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htobe64(bits);
    put_size(copy, isnan(value) ? -1 : (int32_t)sizeof bits);
    put(copy, &bits, isnan(value) ? 0 : sizeof bits);
}

void ut_pg_copy_bytes(ut_pg_copy *copy, const void *data, size_t size)
{
    if (size > INT32_MAX) { /* more than a value of the server can hold */
        copy->failed = true;
        return;
    }
    put_size(copy, (int32_t)size);
    put(copy, data, size);
}

void ut_pg_copy_text(ut_pg_copy *copy, const char *text)
{
    if (!text) {
        put_size(copy, -1);
        return;
    }
    size_t size = strlen(text);
    char *clean = ut_utf8_span(text, size) < size ? strdup(text) : NULL;
    ut_pg_copy_bytes(copy, clean ? ut_utf8_clean(clean) : text, size);
    free(clean);
}

ut_status ut_pg_copy_end(ut_pg_copy *copy, ut_err *err)
{
    static const char trailer[2] = {(char)0xff, (char)0xff};
    PGconn *conn = copy->self->conn;
    put(copy, trailer, sizeof trailer);
    chunk_send(copy);
    if (PQputCopyEnd(conn, copy->failed ? "could not be sent" : NULL) != 1)
        copy->failed = true;
    PGresult *result = PQgetResult(conn);
    ut_status rc = UT_OK;
    if (copy->failed || PQresultStatus(result) != PGRES_COMMAND_OK)
        rc = ut_pg_fail(copy->self, result, err);
    PQclear(result);
    while (copy->self->conn && (result = PQgetResult(conn)))
        PQclear(result);
    free(copy->data);
    copy->data = NULL;
    return rc;
}
