#pragma once
#include <libpq-fe.h>
#include <stddef.h>

/// libpq would print notices.
static inline void sallyport_pq_ignore(void *argument, const PGresult *notice) {
    (void)argument;
    (void)notice;
}

/// Begins to connect through the Unix socket in `folder`; nothing is taken from files. `password` may be NULL. NULL when there is no memory.
static inline PGconn *sallyport_pq_connect(
    const char *folder, const char *port, const char *database, const char *user, const char *password, const char *name) {
    const char *keywords[] = {"host", "port", "dbname", "user", "application_name", "sslmode", "gssencmode", "client_encoding",
                              "passfile", "connect_timeout", "options", password == NULL ? NULL : "password", NULL};
    const char *values[] = {folder, port, database, user, name, "disable", "disable", "UTF8",
                            "/nonexistent/sallyport", "0", "", password, NULL};
    PGconn *connection = PQconnectStartParams(keywords, values, 0);
    if (connection != NULL) PQsetNoticeReceiver(connection, sallyport_pq_ignore, NULL);
    return connection;
}

/// The SQLSTATE of an error, or NULL when it did not come from the server.
static inline const char *sallyport_pq_state(const PGresult *result) { return PQresultErrorField(result, PG_DIAG_SQLSTATE); }

/// What the server said of an error, without its hints.
static inline const char *sallyport_pq_message(const PGresult *result) { return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY); }
