/* The connection of the PostgreSQL backend: making it, losing it, making it again; and what its errors mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/postgres.h"

#define WAIT_MIN_S 0.02
#define WAIT_MAX_S 2.0

/* --- names ------------------------------------------------------------------------------------ */

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++) {
        if (strcmp(options->keyword, keyword) == 0)
            return options->val;
    }
    return NULL;
}

static PQconninfoOption *options_parse(const char *dsn)
{
    /* libpq's own message may quote a piece of the text, and that piece may be of the password. */
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &text);
    PQfreemem(text);
    return options;
}

ut_status ut_pg_name(ut_postgres *self, ut_err *err)
{
    PQconninfoOption *options = options_parse(self->dsn);
    if (!options)
        return ut_fail(err, UT_E_ARG,
                       "store: postgresql: not a connection string; such as postgresql://USER@HOST/DATABASE");
    const char *host = option_value(options, "host"), *port = option_value(options, "port"),
               *database = option_value(options, "dbname"), *service = option_value(options, "service");
    int n = service && !database ? asprintf(&self->name, "postgresql:service=%s", service)
                                 : asprintf(&self->name, "postgresql://%s%s%s/%s", host ? host : "", port ? ":" : "",
                                            port ? port : "", database ? database : "");
    PQconninfoFree(options);
    if (n >= 0)
        return UT_OK;
    self->name = NULL;
    return ut_fail(err, UT_E_NOMEM, "store: postgresql: name");
}

/* --- what an error means ---------------------------------------------------------------------- */

typedef enum { LASTS, PASSES, LOST } duration;

/* By SQLSTATE, or by its class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
static const struct {
    const char *state;
    ut_status status;
    duration how;
} meanings[] = {
    {"40001", UT_E_BUSY, PASSES},                              /* serialization failure */
    {"40P01", UT_E_BUSY, PASSES},                              /* deadlock */
    {"55P03", UT_E_BUSY, LASTS},                               /* lock not available: it was waited for */
    {"57014", UT_E_BUSY, LASTS},                               /* cancelled, or past its statement_timeout */
    {"57P01", UT_E_IO, LOST},                                  /* the server stops */
    {"57P02", UT_E_IO, LOST},                                  /* the server crashed */
    {"57P03", UT_E_IO, LOST},                                  /* it starts or recovers */
    {"57P05", UT_E_IO, LOST},                                  /* idle for too long */
    {"25P03", UT_E_IO, LOST},                                  /* idle in a transaction for too long */
    {"53100", UT_E_FULL, LASTS},                               /* disk full */
    {"53300", UT_E_BUSY, LOST},                                /* too many connections */
    {"53", UT_E_BUSY, LASTS},                                  /* short of something else */
    {"08", UT_E_IO, LOST},           {"0A000", UT_E_IO, LOST}, /* a prepared statement that a migration outdated */
    {"26000", UT_E_IO, LOST}, /* a prepared statement that is gone, as behind some poolers */
    {"22", UT_E_ARG, LASTS},         {"23", UT_E_ARG, LASTS},
    {"3D000", UT_E_NOTFOUND, LASTS}, /* no such database */
    {"XX001", UT_E_CORRUPT, LASTS},  {"XX002", UT_E_CORRUPT, LASTS},
};

static ut_status state_meaning(const ut_postgres *self, const char *state, duration *how)
{
    *how = LASTS;
    /* Read-only: so it was opened; or the server is a standby now, and its successor is to be found. */
    if (strcmp(state, "25006") == 0) {
        *how = self->mode == UT_STORE_READ ? LASTS : LOST;
        return UT_E_IO;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) == 0) {
            *how = meanings[i].how;
            return meanings[i].status;
        }
    }
    return UT_E_IO;
}

/* A message of libpq or the server as one line. */
static void line_make(const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text && *text ? text : "no answer");
    for (size_t n = strlen(out); n > 0 && strchr(" \n", out[n - 1]); n--)
        out[n - 1] = '\0';
}

ut_status ut_pg_fail(ut_postgres *self, const PGresult *result, ut_err *err)
{
    char text[300];
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    duration how = LOST;
    ut_status status = state ? state_meaning(self, state, &how) : UT_E_IO;
    if (!self->conn || PQstatus(self->conn) == CONNECTION_BAD)
        how = LOST;
    line_make(primary ? primary : PQerrorMessage(self->conn), text, sizeof text);
    self->no_month = state && strcmp(state, "23514") == 0 && !PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    self->taken = state && strcmp(state, "23505") == 0;
    self->again = how != LASTS;
    if (self->no_month) /* dropped meanwhile, as old ones may be */
        memset(self->months, 0, sizeof self->months);
    if (state && strcmp(state, "25006") == 0 && self->mode == UT_STORE_READ)
        ut_fail(err, status, "store %s: opened read-only", self->name);
    else if (state && strcmp(state, "55P03") == 0)
        ut_fail(err, status, "store %s: locked by another session for over %.0f s", self->name, UT_PG_PATIENCE_S);
    else
        ut_fail(err, status, "store %s: %s%s", self->name, status == UT_E_ARG ? "value refused: " : "", text);
    if (how == LOST)
        ut_pg_disconnect(self);
    if (err && self->again)
        err->retriable = true;
    return status;
}

/* --- connecting ------------------------------------------------------------------------------- */

static void notice(void *arg, const char *message)
{
    char text[300], quoted[400];
    (void)arg;
    line_make(message, text, sizeof text);
    ut_log(UT_LOG_DEBUG, "store", "notice", "text=%s", ut_log_quote(quoted, sizeof quoted, text));
}

/* Our defaults, where neither the DSN nor the environment nor a service file says otherwise: an address that does not
 * answer, and a peer that went without a word, are found out in time. */
static PGconn *connection_open(const char *dsn)
{
    static const struct {
        const char *keyword, *value, *variable;
    } defaults[] = {{"connect_timeout", "10", "PGCONNECT_TIMEOUT"},
                    {"keepalives_idle", "20", NULL},
                    {"keepalives_interval", "5", NULL},
                    {"keepalives_count", "3", NULL},
                    {"tcp_user_timeout", "30000", NULL}};
    const char *keywords[8] = {0}, *values[8] = {0};
    PQconninfoOption *given = options_parse(dsn);
    size_t n = 0;
    bool service = option_value(given, "service") || getenv("PGSERVICE");
    for (size_t i = 0; !service && i < sizeof defaults / sizeof *defaults; i++) {
        if (option_value(given, defaults[i].keyword) || (defaults[i].variable && getenv(defaults[i].variable)))
            continue;
        keywords[n] = defaults[i].keyword;
        values[n++] = defaults[i].value;
    }
    PQconninfoFree(given);
    keywords[n] = "fallback_application_name";
    values[n++] = "undertone";
    keywords[n] = "dbname";
    values[n] = dsn;
    return PQconnectdbParams(keywords, values, 1);
}

void ut_pg_disconnect(ut_postgres *self)
{
    PQfinish(self->conn);
    self->conn = NULL;
    self->listening = false;
    memset(self->prepared, 0, sizeof self->prepared);
}

/* A transaction that its client left open, because its machine died, must not hold locks for long. */
static ut_status session_set(ut_postgres *self, ut_err *err)
{
    static const char read_only[] = "SET default_transaction_read_only = on";
    ut_status rc = ut_pg_script(self,
                                "SET search_path = undertone, pg_catalog; SET client_min_messages = warning;"
                                " SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';"
                                " SET default_transaction_isolation = 'read committed'",
                                err);
    return rc == UT_OK && self->mode == UT_STORE_READ ? ut_pg_script(self, read_only, err) : rc;
}

ut_status ut_pg_connect(ut_postgres *self, ut_err *err)
{
    if (self->conn && PQstatus(self->conn) == CONNECTION_OK)
        return UT_OK;
    ut_pg_disconnect(self);
    if (!(self->conn = connection_open(self->dsn)))
        return ut_fail(err, UT_E_NOMEM, "store %s: connection", self->name);
    if (PQstatus(self->conn) == CONNECTION_OK) {
        PQsetNoticeProcessor(self->conn, notice, NULL);
        PQsetClientEncoding(self->conn, "UTF8");
        return session_set(self, err);
    }
    char text[300];
    line_make(PQerrorMessage(self->conn), text, sizeof text);
    /* libpq gives no SQLSTATE here. A database, user or password that is wrong is not tried again; a server that is
     * away is, once it was there. */
    bool absent = strstr(text, "does not exist") && strstr(text, "database");
    bool lasts = absent || strstr(text, "authentication failed") || strstr(text, "no password supplied") ||
                 strstr(text, "no pg_hba.conf entry") || strstr(text, "certificate");
    ut_pg_disconnect(self);
    self->again = self->opened && !lasts;
    ut_status rc = ut_fail(err, absent ? UT_E_NOTFOUND : UT_E_IO, "store %s: %s", self->name, text);
    if (err && !lasts)
        err->retriable = true;
    return rc;
}

/* --- trying again ----------------------------------------------------------------------------- */

bool ut_pg_retry(ut_postgres *self, ut_pg_patience *patience)
{
    double now = ut_monotonic_s();
    if (patience->tries == 0)
        patience->since_s = now;
    if (!self->again || self->within || now - patience->since_s >= UT_PG_PATIENCE_S)
        return false;
    double wait_s = WAIT_MIN_S * (double)(1 << (patience->tries < 8 ? patience->tries : 8));
    wait_s = wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S;
    /* Between half and all of it, so that a thousand monitors of one server do not knock at the same moment. */
    self->chance = self->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    wait_s *= 0.5 + 0.5 * (double)(self->chance >> 40) / (double)(1 << 24);
    const struct timespec ts = {(time_t)wait_s, (long)((wait_s - (double)(time_t)wait_s) * 1e9)};
    nanosleep(&ts, NULL);
    patience->tries++;
    return true;
}

static ut_status transaction_end(ut_postgres *self, ut_status rc, ut_err *err)
{
    if (rc != UT_OK) {
        if (self->conn)
            PQclear(PQexec(self->conn, "ROLLBACK"));
        self->within = false;
        return rc;
    }
    PGresult *result = PQexec(self->conn, "COMMIT");
    self->within = false;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        rc = ut_pg_fail(self, result, err);
    else if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        rc = ut_fail(err, UT_E_IO, "store %s: rolled back", self->name);
    PQclear(result);
    return rc;
}

ut_status ut_pg_transaction(ut_postgres *self, ut_pg_body body, void *arg, ut_err *err)
{
    ut_pg_patience patience = {0};
    ut_status rc;
    self->tries = 0;
    do {
        self->again = self->no_month = false;
        if ((rc = ut_pg_connect(self, err)) == UT_OK && (rc = ut_pg_script(self, "BEGIN", err)) == UT_OK) {
            self->within = true;
            rc = transaction_end(self, body(self, arg, err), err);
        }
        self->tries++;
    } while (rc != UT_OK && ut_pg_retry(self, &patience));
    return rc;
}

/* --- partitions ------------------------------------------------------------------------------- */

ut_status ut_pg_month(ut_postgres *self, const char *parent, int64_t at_ns, ut_err *err)
{
    time_t at_s = (time_t)(at_ns / UT_NS_PER_S - (at_ns % UT_NS_PER_S < 0));
    struct tm tm;
    gmtime_r(&at_s, &tm);
    int64_t month = (int64_t)tm.tm_year * 12 + tm.tm_mon;
    for (size_t i = 0; i < UT_PG_MONTHS; i++) {
        if (self->months[i].parent && strcmp(self->months[i].parent, parent) == 0 && self->months[i].month == month)
            return UT_OK;
    }
    ut_status rc = ut_pg_query(self, NULL, NULL, err, "SELECT partition_make($1, $2)", "ti", parent, at_ns);
    if (rc != UT_OK)
        return rc;
    self->months[self->month_next].parent = parent;
    self->months[self->month_next].month = month;
    self->month_next = (self->month_next + 1) % UT_PG_MONTHS;
    return UT_OK;
}
