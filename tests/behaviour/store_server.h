/* The server's side of the store that the fixture made in PostgreSQL. */
#ifndef UT_TESTS_STORE_SERVER_H
#define UT_TESTS_STORE_SERVER_H

#include <libpq-fe.h>

#include "tests/behaviour/store_fixture.h"

/* A session apart, in the database of the fixture's store; to be finished by the caller. */
PGconn *server_session(const fixture *f);
/* Each fails the test unless it works. */
void server_sql_on(PGconn *conn, const char *text);
void server_sql(const fixture *f, const char *text); /* in a session of its own */
int64_t server_number(PGconn *conn, const char *text);

#endif
