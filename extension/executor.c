/* SPDX-License-Identifier: Apache-2.0 */
/*
 * executor.c - a hook around each run of the executor.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"

#include "extension/errors.h"
#include "extension/executor.h"
#include "extension/login_expiry.h"
#include "extension/seal.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/compat.h"

static ExecutorRun_hook_type next_executor_run;

static void run(QueryDesc *query, ScanDirection direction, uint64 count PGSJ_RUN_ONCE_PARAMETER)
{
    if (next_executor_run != NULL)
        next_executor_run(query, direction, count PGSJ_RUN_ONCE_ARGUMENT);
    else
        standard_ExecutorRun(query, direction, count PGSJ_RUN_ONCE_ARGUMENT);
}

/* The same without workers: each part of the plan that workers would run, the leader runs. */
static void run_alone(QueryDesc *query, ScanDirection direction,
                      uint64 count PGSJ_RUN_ONCE_PARAMETER)
{
    PlannedStmt *const parallel = query->plannedstmt;
    PlannedStmt plan = *parallel;

    plan.parallelModeNeeded = false;
    query->plannedstmt = &plan;
    PG_TRY();
    {
        run(query, direction, count PGSJ_RUN_ONCE_ARGUMENT);
    }
    PG_FINALLY();
    {
        query->plannedstmt = parallel;
    }
    PG_END_TRY();
}

/*
 * The leader verifies the token before its workers do. Otherwise a token that only workers read
 * would never be accepted in the leader, and a replay would not be noticed. The hook of
 * ExecutorStart would be too early: a portal starts when it is bound and launches its workers when
 * it runs, and another token may be set in between.
 *
 * No worker starts with a refused token. An error in one worker ends the other workers, and the
 * server then logs their statement, which may hold the token. The leader raises the error where
 * the token is read.
 */
static void run_with_workers(QueryDesc *query, ScanDirection direction,
                             uint64 count PGSJ_RUN_ONCE_PARAMETER)
{
    ErrorContextCallback callback;
    char *before;

    if (!IsInParallelMode()) {
        /* Parallel workers take the statement's start from this process. A background worker
         * need not have set it. */
        if (MyBackendType == B_BG_WORKER)
            SetCurrentStatementStartTimestamp();
        if (!pgsj_session_accept()) {
            run_alone(query, direction, count PGSJ_RUN_ONCE_ARGUMENT);
            return;
        }
    }
    before = pgsj_session_begin_workers();
    pgsj_hide_statement_of_worker(&callback);
    PG_TRY();
    {
        run(query, direction, count PGSJ_RUN_ONCE_ARGUMENT);
    }
    PG_FINALLY();
    {
        pgsj_settings_end_workers(before);
    }
    PG_END_TRY();
    pgsj_show_statement(&callback);
}

static void executor_run(QueryDesc *query, ScanDirection direction,
                         uint64 count PGSJ_RUN_ONCE_PARAMETER)
{
    pgsj_login_expiry_check();
    pgsj_session_begin_run();
    PG_TRY();
    {
        if (query->plannedstmt->parallelModeNeeded && pgsj_session_token_text() != NULL)
            run_with_workers(query, direction, count PGSJ_RUN_ONCE_ARGUMENT);
        else
            run(query, direction, count PGSJ_RUN_ONCE_ARGUMENT);
    }
    PG_FINALLY();
    {
        pgsj_session_end_run();
    }
    PG_END_TRY();
    pgsj_seal_raise_attack();
}

void pgsj_executor_install(void)
{
    next_executor_run = ExecutorRun_hook;
    ExecutorRun_hook = executor_run;
}
