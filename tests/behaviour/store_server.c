#include "tests/behaviour/store_server.h"

#include <stdlib.h>
#include <string.h>

/* A session apart, in the database of the fixture's store. */
PGconn *server_session(const fixture *f)
{
    PGconn *conn = PQconnectdb(strchr(f->dsn, ':') + 1);
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

void server_sql_on(PGconn *conn, const char *text)
{
    PGresult *result = PQexec(conn, text);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(conn));
    PQclear(result);
}

void server_sql(const fixture *f, const char *text)
{
    PGconn *conn = server_session(f);
    server_sql_on(conn, text);
    PQfinish(conn);
}

int64_t server_number(PGconn *conn, const char *text)
{
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        fail_msg("%s: %s", text, PQerrorMessage(conn));
    int64_t value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}
