/* Statements and columns of the PostgreSQL backend. Numbers travel in binary, so that a double comes back bit for bit.
 */
#include <endian.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "db/postgres.h"

enum { MOST = 26 };
/* From PostgreSQL's catalog/pg_type.dat; fixed for all versions. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_FLOAT8 = 701 };

typedef struct {
    int count;
    Oid types[MOST];
    const char *values[MOST];
    int sizes[MOST], formats[MOST];
    uint64_t numbers[MOST]; /* in network order */
    char *copies[MOST];
} parameters;

static void parameters_clear(parameters *p)
{
    for (int i = 0; i < p->count; i++)
        free(p->copies[i]);
}

static void bind_number(parameters *p, int i, Oid type, uint64_t value)
{
    p->types[i] = type;
    p->numbers[i] = htobe64(value);
    p->values[i] = (const char *)&p->numbers[i];
    p->sizes[i] = sizeof p->numbers[i];
}

static bool bind_text(parameters *p, int i, const char *text)
{
    p->types[i] = OID_TEXT;
    p->values[i] = text;
    if (!text)
        return true;
    size_t size = strlen(text);
    p->sizes[i] = (int)size;
    if (ut_utf8_span(text, size) == size)
        return true;
    if (!(p->copies[i] = strdup(text)))
        return false;
    p->values[i] = ut_utf8_clean(p->copies[i]);
    return true;
}

static bool bind_one(parameters *p, char type, va_list *args)
{
    int i = p->count++;
    p->formats[i] = 1;
    switch (type) {
    case 't':
        return bind_text(p, i, va_arg(*args, const char *));
    case 'i':
        bind_number(p, i, OID_INT8, (uint64_t)va_arg(*args, int64_t));
        return true;
    case 'r': {
        double value = va_arg(*args, double);
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        bind_number(p, i, OID_FLOAT8, bits);
        if (isnan(value))
            p->values[i] = NULL;
        return true;
    }
    case 'o':
        p->types[i] = OID_BOOL;
        memcpy(&p->numbers[i], va_arg(*args, int) ? "\1" : "\0", 1);
        p->values[i] = (const char *)&p->numbers[i];
        p->sizes[i] = 1;
        return true;
    default: {
        const void *data = va_arg(*args, const void *);
        size_t size = va_arg(*args, size_t);
        p->types[i] = OID_BYTEA;
        p->values[i] = size ? data : "";
        p->sizes[i] = (int)size;
        return size <= INT32_MAX;
    }
    }
}

static ut_status parameters_bind(parameters *p, const char *types, va_list *args, ut_err *err)
{
    for (; *types; types++) {
        if (!bind_one(p, *types, args)) {
            parameters_clear(p);
            return ut_fail(err, UT_E_NOMEM, "store: parameter %d of a statement", p->count);
        }
    }
    return UT_OK;
}

enum { FAILED = -1, UNPREPARED = -2 };

/* The number under which the server knows `sql` on this connection; FAILED: *result says why; UNPREPARED: there are too
 * many. */
static int prepare(ut_postgres *self, const char *sql, const parameters *p, PGresult **result)
{
    char name[16];
    size_t slot = ((uintptr_t)sql >> 3) % UT_PG_PREPARED;
    size_t probes = 0;
    for (; self->prepared[slot] && probes < UT_PG_PREPARED; probes++, slot = (slot + 1) % UT_PG_PREPARED) {
        if (self->prepared[slot] == sql)
            return (int)slot;
    }
    if (probes == UT_PG_PREPARED)
        return UNPREPARED;
    snprintf(name, sizeof name, "ut%zu", slot);
    *result = PQprepare(self->conn, name, sql, p->count, p->types);
    if (PQresultStatus(*result) != PGRES_COMMAND_OK)
        return FAILED;
    PQclear(*result);
    *result = NULL;
    self->prepared[slot] = sql;
    return (int)slot;
}

static ut_status run_once(ut_postgres *self, const char *sql, const parameters *p, PGresult **out, ut_err *err)
{
    char name[16];
    PGresult *result = NULL;
    ut_status rc = ut_pg_connect(self, err);
    if (rc != UT_OK)
        return rc;
    int slot = prepare(self, sql, p, &result);
    if (slot >= 0) {
        snprintf(name, sizeof name, "ut%d", slot);
        result = PQexecPrepared(self->conn, name, p->count, p->values, p->sizes, p->formats, 1);
    } else if (slot == UNPREPARED) {
        result = PQexecParams(self->conn, sql, p->count, p->types, p->values, p->sizes, p->formats, 1);
    }
    ExecStatusType status = PQresultStatus(result);
    if (slot == FAILED || (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)) {
        rc = ut_pg_fail(self, result, err);
        PQclear(result);
        return rc;
    }
    *out = result;
    return UT_OK;
}

static ut_status run(ut_postgres *self, const char *sql, const char *types, va_list *args, PGresult **out, ut_err *err)
{
    parameters p = {0};
    ut_pg_patience patience = {0};
    ut_status rc = parameters_bind(&p, types, args, err);
    if (rc != UT_OK)
        return rc;
    do {
        self->again = self->no_month = false;
        /* Within a transaction a new connection would be outside of it. */
        if (self->within && !self->conn) {
            self->again = true;
            rc = ut_fail(err, UT_E_IO, "store %s: connection lost", self->name);
        } else {
            rc = run_once(self, sql, &p, out, err);
        }
    } while (rc != UT_OK && !self->within && ut_pg_retry(self, &patience));
    parameters_clear(&p);
    return rc;
}

ut_status ut_pg_query(ut_postgres *self, PGresult **out, int64_t *rows, ut_err *err, const char *sql, const char *types,
                      ...)
{
    PGresult *result = NULL;
    va_list args;
    va_start(args, types);
    ut_status rc = run(self, sql, types, &args, &result, err);
    va_end(args);
    if (rc != UT_OK)
        return rc;
    if (rows)
        *rows = strtoll(PQcmdTuples(result), NULL, 10);
    if (out)
        *out = result;
    else
        PQclear(result);
    return UT_OK;
}

ut_status ut_pg_number(ut_postgres *self, int64_t *out, ut_err *err, const char *sql, const char *types, ...)
{
    PGresult *result = NULL;
    va_list args;
    va_start(args, types);
    ut_status rc = run(self, sql, types, &args, &result, err);
    va_end(args);
    if (rc != UT_OK)
        return rc;
    if (PQntuples(result) > 0)
        *out = ut_pg_int(result, 0, 0);
    else
        rc = ut_fail(err, UT_E_NOTFOUND, "store %s: no such row", self->name);
    PQclear(result);
    return rc;
}

ut_status ut_pg_script(ut_postgres *self, const char *sql, ut_err *err)
{
    PGresult *result = PQexec(self->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    ut_status rc = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? UT_OK : ut_pg_fail(self, result, err);
    PQclear(result);
    return rc;
}

/* --- columns ---------------------------------------------------------------------------------- */

int64_t ut_pg_int(const PGresult *result, int row, int column)
{
    const char *value = PQgetvalue(result, row, column);
    int64_t number = 0;
    int size = PQgetlength(result, row, column);
    if (size > 0 && value[0] & 0x80 && size > 1)
        number = -1;
    for (int i = 0; i < size && i < 8; i++)
        number = (int64_t)((uint64_t)number << 8 | (uint8_t)value[i]);
    return number;
}

double ut_pg_real(const PGresult *result, int row, int column)
{
    uint64_t bits;
    double value;
    if (PQgetisnull(result, row, column) || PQgetlength(result, row, column) != (int)sizeof bits)
        return NAN;
    memcpy(&bits, PQgetvalue(result, row, column), sizeof bits);
    bits = be64toh(bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

ut_status ut_pg_text(const PGresult *result, int row, int column, char **out, ut_err *err)
{
    char *copy = NULL;
    if (!PQgetisnull(result, row, column) && !(copy = strdup(PQgetvalue(result, row, column))))
        return ut_fail(err, UT_E_NOMEM, "store: text of %d bytes", PQgetlength(result, row, column));
    *out = copy;
    return UT_OK;
}

void ut_pg_field(const PGresult *result, int row, int column, char *out, size_t size)
{
    snprintf(out, size, "%s", PQgetvalue(result, row, column));
}
