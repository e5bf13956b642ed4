/* Statements, transactions and columns of the SQLite backend. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite.h"

/* SQLite calls a full disk SQLITE_FULL only for ENOSPC; quotas and file size limits come as I/O
 * errors. */
static bool disk_full(int system_errno)
{
    return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
}

ut_status ut_sqlite_fail(const ut_sqlite *self, int rc, ut_err *err)
{
    /* SQLite does not keep the system's error for every failed write; errno was cleared before. */
    int left = errno, kept = self->db ? sqlite3_system_errno(self->db) : 0, os = kept ? kept : left;
    const char *text = self->db ? sqlite3_errmsg(self->db) : sqlite3_errstr(rc);
    const char *path = self->path;
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ut_fail(err, UT_E_BUSY, "store %s: locked by another process for over %d s", path,
                       UT_SQLITE_BUSY_MS / 1000);
    case SQLITE_FULL:
        return ut_fail(err, UT_E_FULL, "store %s: no space left on its disk", path);
    case SQLITE_IOERR:
        if (disk_full(os))
            return ut_fail(err, UT_E_FULL, "store %s: %s", path, strerror(os));
        return ut_fail(err, UT_E_IO, "store %s: %s%s%s", path, text, os ? ": " : "", os ? strerror(os) : "");
    case SQLITE_NOTADB:
        return ut_fail(err, UT_E_IO, "store %s: not a store of undertone", path);
    case SQLITE_CORRUPT:
        return ut_fail(err, UT_E_CORRUPT, "store %s: damaged (%s)", path, text);
    case SQLITE_READONLY:
        return ut_fail(err, UT_E_IO, "store %s: read-only", path);
    case SQLITE_CANTOPEN:
        return ut_fail(err, UT_E_IO, "store %s: cannot be opened%s%s", path, os ? ": " : "", os ? strerror(os) : "");
    case SQLITE_NOMEM:
        return ut_fail(err, UT_E_NOMEM, "store %s: out of memory", path);
    case SQLITE_CONSTRAINT:
        return ut_fail(err, UT_E_ARG, "store %s: value refused (%s)", path, text);
    default:
        return ut_fail(err, UT_E_IO, "store %s: %s", path, text);
    }
}

static int bind_one(sqlite3_stmt *statement, int at, char type, va_list *args)
{
    switch (type) {
    case 't':
        return sqlite3_bind_text(statement, at, va_arg(*args, const char *), -1, SQLITE_STATIC);
    case 'i':
        return sqlite3_bind_int64(statement, at, va_arg(*args, int64_t));
    case 'r': {
        double value = va_arg(*args, double);
        return isnan(value) ? sqlite3_bind_null(statement, at) : sqlite3_bind_double(statement, at, value);
    }
    default: {
        const void *data = va_arg(*args, const void *);
        size_t size = va_arg(*args, size_t);
        return sqlite3_bind_blob64(statement, at, size ? data : "", size, SQLITE_STATIC);
    }
    }
}

static ut_status query(ut_sqlite *self, sqlite3_stmt **out, ut_err *err, const char *sql, const char *types,
                       va_list *args)
{
    sqlite3_stmt *statement = NULL;
    errno = 0;
    int rc = sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);
    for (int i = 0; rc == SQLITE_OK && types[i]; i++)
        rc = bind_one(statement, i + 1, types[i], args);
    if (rc != SQLITE_OK) {
        ut_status status = ut_sqlite_fail(self, rc, err);
        sqlite3_finalize(statement);
        return status;
    }
    *out = statement;
    return UT_OK;
}

ut_status ut_sqlite_query(ut_sqlite *self, sqlite3_stmt **out, ut_err *err, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    ut_status rc = query(self, out, err, sql, types, &args);
    va_end(args);
    return rc;
}

ut_status ut_sqlite_step(ut_sqlite *self, sqlite3_stmt *statement, bool *row, ut_err *err)
{
    errno = 0;
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return ut_sqlite_fail(self, rc, err);
    *row = rc == SQLITE_ROW;
    return UT_OK;
}

ut_status ut_sqlite_do(ut_sqlite *self, ut_err *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list args;
    va_start(args, types);
    ut_status rc = query(self, &statement, err, sql, types, &args);
    va_end(args);
    if (rc != UT_OK)
        return rc;
    bool row = true;
    while (rc == UT_OK && row)
        rc = ut_sqlite_step(self, statement, &row, err);
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_number(ut_sqlite *self, int64_t *out, ut_err *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list args;
    va_start(args, types);
    ut_status rc = query(self, &statement, err, sql, types, &args);
    va_end(args);
    if (rc != UT_OK)
        return rc;
    bool row = false;
    rc = ut_sqlite_step(self, statement, &row, err);
    if (rc == UT_OK && row)
        *out = sqlite3_column_int64(statement, 0);
    else if (rc == UT_OK)
        rc = ut_fail(err, UT_E_NOTFOUND, "store %s: no such row", self->path);
    sqlite3_finalize(statement);
    return rc;
}

ut_status ut_sqlite_begin(ut_sqlite *self, ut_err *err)
{
    return ut_sqlite_do(self, err, "BEGIN IMMEDIATE", "");
}

ut_status ut_sqlite_end(ut_sqlite *self, ut_status rc, ut_err *err)
{
    if (rc == UT_OK && (rc = ut_sqlite_do(self, err, "COMMIT", "")) == UT_OK)
        return UT_OK;
    /* A failed statement may already have rolled back; then there is nothing left to do. */
    if (!sqlite3_get_autocommit(self->db))
        sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

ut_status ut_sqlite_text(sqlite3_stmt *statement, int column, char **out, ut_err *err)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    char *copy = NULL;
    if (text && !(copy = strdup((const char *)text)))
        return ut_fail(err, UT_E_NOMEM, "store: text of %d bytes", sqlite3_column_bytes(statement, column));
    *out = copy;
    return UT_OK;
}

void ut_sqlite_field(sqlite3_stmt *statement, int column, char *out, size_t size)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    snprintf(out, size, "%s", text ? (const char *)text : "");
}

double ut_sqlite_real(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}
