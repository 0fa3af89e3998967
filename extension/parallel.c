/*
 * parallel.c - what parallel workers must be told.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"

#include "extension/errors.h"
#include "extension/parallel.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/compat.h"

static ExecutorRun_hook_type next_executor_run;

void psj_parallel_publish(bool accepted, int64 last_jti)
{
    /* In place, because SET is forbidden where this is called from: in an
     * assign hook and in the middle of a parallel query. The server reads the
     * string when it starts workers. */
    if (psj_parallel_state != NULL)
        snprintf(psj_parallel_state, PSJ_PARALLEL_STATE_LEN + 1, "%c%020lld", accepted ? '+' : '-',
                 (long long)last_jti);
}

void psj_parallel_receive(const char *state)
{
    psj_session_inherit(state[0] == '+', strtoll(state + 1, NULL, 10));
}

/*
 * A token that only workers read would never be accepted in the leader, and
 * its replay would not be noticed: the leader reads it before they do. If it is
 * refused, that is reported where it is read. Here and not where the executor
 * starts: a portal starts when it is bound, and its workers when it is run, which
 * may be after another token was set.
 */
static void executor_run(QueryDesc *query, ScanDirection direction,
                         uint64 count PSJ_RUN_ONCE_PARAMETER)
{
    const bool has_workers = query->plannedstmt->parallelModeNeeded && psj_mark_in_force != NULL;
    ErrorContextCallback callback;

    if (has_workers && !IsInParallelMode()) {
        /* A background worker need not say when a statement begins, and its parallel
         * workers, which begin below, know no other clock. */
        if (MyBackendType == B_BG_WORKER)
            SetCurrentStatementStartTimestamp();
        psj_session_accept();
    }
    if (has_workers)
        psj_hide_statement_of_worker(&callback);
    if (next_executor_run != NULL)
        next_executor_run(query, direction, count PSJ_RUN_ONCE_ARGUMENT);
    else
        standard_ExecutorRun(query, direction, count PSJ_RUN_ONCE_ARGUMENT);
    if (has_workers)
        psj_show_statement(&callback);
}

void psj_parallel_install(void)
{
    next_executor_run = ExecutorRun_hook;
    ExecutorRun_hook = executor_run;
}
