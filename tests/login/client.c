/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - a client that logs in with a bearer token, for tests/tap/login_*.pl. libpq has a
 * hook for that from version 18 on.
 *
 *   login_client TOKENS CONNINFO         logs in with the first line of the file TOKENS and runs
 *                                        each line of the standard input as a statement
 *   login_client TOKENS CONNINFO COUNT   logs in so often, with each line of TOKENS in turn, and
 *                                        counts the outcomes
 *
 * A line "\sleep SECONDS" of the standard input waits while the session is idle.
 *
 * What it prints for each statement, a newline written as \n and a backslash as \\:
 *   row VALUE|VALUE...         a row; NULL for the null value
 *   notice SEVERITY SQLSTATE MESSAGE
 *   error SEVERITY SQLSTATE MESSAGE, and where the server sent them: detail TEXT, hint TEXT
 *   done
 * A refused login is a line "refused MESSAGE" for each line of libpq's message, and status 2.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_SIZE 1048576

/* What the hook gives to the server. */
static char *current_token;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "login_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int give_token(PGauthData type, PGconn *connection, void *data)
{
    (void)connection;
    if (type != PQAUTHDATA_OAUTH_BEARER_TOKEN)
        return 0;
    ((PGoauthBearerRequest *)data)->token = current_token;
    return 1;
}

/* ---- output ------------------------------------------------------------ */

static void print_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            fputs("\\n", stdout);
        else if (*text == '\\')
            fputs("\\\\", stdout);
        else
            putchar(*text);
    }
}

static void print_field(const char *name, const char *text)
{
    if (text == NULL)
        return;
    printf("%s ", name);
    print_text(text);
    putchar('\n');
}

static const char *field(const PGresult *result, int code)
{
    const char *text = PQresultErrorField(result, code);

    return text == NULL ? "-" : text;
}

static void print_message(const char *kind, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    printf("%s %s %s ", kind, field(result, PG_DIAG_SEVERITY_NONLOCALIZED),
           field(result, PG_DIAG_SQLSTATE));
    print_text(message == NULL ? PQresultErrorMessage(result) : message);
    putchar('\n');
}

static void receive_notice(void *context, const PGresult *result)
{
    (void)context;
    print_message("notice", result);
}

static void print_rows(const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++) {
        fputs("row ", stdout);
        for (int column = 0; column < PQnfields(result); column++) {
            if (column > 0)
                putchar('|');
            print_text(PQgetisnull(result, row, column) ? "NULL" : PQgetvalue(result, row, column));
        }
        putchar('\n');
    }
}

/* ---- one session ------------------------------------------------------- */

/* The next line of a file without its newline, in a buffer of LINE_SIZE octets; NULL: no more. */
static char *read_line(FILE *file, char *line)
{
    if (fgets(line, LINE_SIZE, file) == NULL)
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static void sleep_for(double seconds)
{
    const time_t whole = (time_t)seconds;
    const struct timespec time = {whole, (long)((seconds - (double)whole) * 1e9)};

    nanosleep(&time, NULL);
}

static void print_error(const PGresult *result)
{
    print_message("error", result);
    print_field("detail", PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    print_field("hint", PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
}

/* Where the server ends the session, its message comes first and libpq's own comes after it. */
static void run(PGconn *connection, const char *statement)
{
    bool failed = false;
    PGresult *result;

    if (PQsendQuery(connection, statement) == 0) {
        fputs("error - - ", stdout);
        print_text(PQerrorMessage(connection));
        putchar('\n');
        return;
    }
    while ((result = PQgetResult(connection)) != NULL) {
        const ExecStatusType status = PQresultStatus(result);

        if (status == PGRES_TUPLES_OK) {
            print_rows(result);
        } else if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY && !failed) {
            print_error(result);
            failed = true;
        }
        PQclear(result);
    }
}

static void print_refusal(const PGconn *connection)
{
    char *message = strdup(PQerrorMessage(connection));

    if (message == NULL)
        fail("a message");
    for (const char *line = strtok(message, "\n"); line != NULL; line = strtok(NULL, "\n"))
        print_field("refused", line);
    free(message);
}

static int run_session(FILE *tokens, const char *conninfo, char *line)
{
    PGconn *connection;

    current_token = read_line(tokens, current_token);
    if (current_token == NULL)
        fail("no token");
    connection = PQconnectdb(conninfo);
    if (PQstatus(connection) != CONNECTION_OK) {
        print_refusal(connection);
        PQfinish(connection);
        return 2;
    }
    PQsetNoticeReceiver(connection, receive_notice, NULL);
    while (read_line(stdin, line) != NULL) {
        if (strncmp(line, "\\sleep ", 7) == 0)
            sleep_for(strtod(line + 7, NULL));
        else
            run(connection, line);
        puts("done");
        fflush(stdout);
    }
    PQfinish(connection);
    return 0;
}

/* ---- many logins ------------------------------------------------------- */

static int count_logins(FILE *tokens, const char *conninfo, long count)
{
    long connected = 0;
    long refused = 0;
    long other = 0;

    for (long i = 0; i < count; i++) {
        PGconn *connection;

        if (read_line(tokens, current_token) == NULL) {
            rewind(tokens);
            if (read_line(tokens, current_token) == NULL)
                fail("no token");
        }
        connection = PQconnectdb(conninfo);
        if (PQstatus(connection) == CONNECTION_OK)
            connected++;
        else if (strstr(PQerrorMessage(connection), "OAuth bearer authentication failed") != NULL)
            refused++;
        else if (other++ == 0)
            print_refusal(connection);
        PQfinish(connection);
    }
    printf("%ld connected, %ld refused, %ld other\n", connected, refused, other);
    return 0;
}

int main(int argc, char **argv)
{
    char *line;
    FILE *tokens;
    int status;

    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: login_client TOKENS CONNINFO [COUNT]\n");
        return 1;
    }
    line = malloc(LINE_SIZE);
    current_token = malloc(LINE_SIZE);
    tokens = fopen(argv[1], "r");
    if (line == NULL || current_token == NULL || tokens == NULL)
        fail(argv[1]);
    PQsetAuthDataHook(give_token);
    status = argc == 3 ? run_session(tokens, argv[2], line)
                       : count_logins(tokens, argv[2], strtol(argv[3], NULL, 10));
    fclose(tokens);
    free(current_token);
    free(line);
    return status;
}
