/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login_expiry.c - the end of a session whose login's token has expired.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include <sjwt.h>

#include "extension/clock.h"
#include "extension/login_expiry.h"
#include "extension/settings.h"
#include "extension/compat.h"

/* How often the timer looks whether the statement that ran when it was due has ended. */
#define INTERVAL_MS 1000

bool pgsj_login_expires;

static struct {
    int64 expires_at; /* where pgsj_login_expires */
    bool has_timer;
    TimeoutId timer;
} expiry;

static int64 valid_until(void)
{
    return sjwt_valid_until(expiry.expires_at, (uint32)pgsj_settings.leeway);
}

static bool disconnects(void)
{
    return pgsj_settings.login_expiry == PGSJ_LOGIN_DISCONNECT;
}

/* As the server's timeouts say it: no code is nearer to what pools and drivers know. */
static int end_of_session(void)
{
    errcode(ERRCODE_ADMIN_SHUTDOWN);
    errmsg("terminating connection because the token of its login has expired");
    return errhidestmt(true);
}

/* ---- the timer --------------------------------------------------------- */

/* The server's own words for ProcDiePending name an administrator's command. */
static void name_reason(void *arg)
{
    (void)arg;
    if (geterrcode() == ERRCODE_ADMIN_SHUTDOWN)
        (void)end_of_session();
}

/*
 * In the handler of a signal. While the client's message is being worked on,
 * debug_query_string is set: that statement goes on, and the timer asks again. Else the session
 * waits for a message, or is about to, and ends as by pg_terminate_backend(). The stack of
 * callbacks is empty then. Should a function push one at this moment, it takes ours away with its
 * own, and the message is the server's.
 */
static void at_timeout(void)
{
    static ErrorContextCallback callback = {.callback = name_reason};

    if (!disconnects() || debug_query_string != NULL || proc_exit_inprogress)
        return;
    error_context_stack = &callback;
    InterruptPending = true;
    ProcDiePending = true;
    SetLatch(MyLatch);
}

static void stop_timer(void)
{
    if (expiry.has_timer)
        disable_timeout(expiry.timer, false);
}

static void start_timer(void)
{
    const TimestampTz end = pgsj_timestamp(valid_until());

    if (!disconnects() || TIMESTAMP_NOT_FINITE(end))
        return;
    if (!expiry.has_timer) {
        expiry.timer = RegisterTimeout(USER_TIMEOUT, at_timeout);
        expiry.has_timer = true;
    }
    if (!get_timeout_active(expiry.timer))
        pgsj_enable_timeout_every(expiry.timer, end + 1, INTERVAL_MS);
}

/* The setting may be another one, and the server stops all timers where a statement fails. */
static void at_transaction_end(XactEvent event, void *arg)
{
    (void)arg;
    if (pgsj_login_expires &&
        (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE))
        start_timer();
}

static emit_log_hook_type next_emit_log;

/* Some statements fail where there is no transaction to end. The server has stopped the timers
 * when it reports their error. */
static void emit_log(ErrorData *error)
{
    if (pgsj_login_expires && error->elevel == ERROR)
        start_timer();
    if (next_emit_log != NULL)
        next_emit_log(error);
}

static void install(void)
{
    static bool installed;

    if (installed)
        return;
    RegisterXactCallback(at_transaction_end, NULL);
    next_emit_log = emit_log_hook;
    emit_log_hook = emit_log;
    installed = true;
}

/* ---- the session ------------------------------------------------------- */

void pgsj_login_expiry_set(int64 expires_at)
{
    stop_timer();
    expiry.expires_at = expires_at;
    pgsj_login_expires = expires_at != PG_INT64_MAX;
    if (!pgsj_login_expires)
        return;
    install();
    start_timer();
}

void pgsj_login_expiry_check_time(void)
{
    if (disconnects() && pgsj_unix_time(GetCurrentStatementStartTimestamp()) > valid_until())
        ereport(FATAL, (end_of_session(), errhidecontext(true)));
}
