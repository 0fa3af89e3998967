/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A background worker for tests of sessions without a client. It runs the statements of the
 * table job in the order of their step, and stores the first column of the first row of
 * each in the table seen. Three words are not SQL:
 *   COMMIT     ends the transaction
 *   ROLLBACK   the same without its effects
 *   STATEMENT  reports the start of a statement, which a worker need not do
 * An uncaught ERROR ends the worker.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define LIBRARY "pg_session_jwt_test_worker"

PG_MODULE_MAGIC;

PGDLLEXPORT void test_worker_main(Datum database);
PG_FUNCTION_INFO_V1(test_worker_run);

typedef struct answer {
    uint64 step;
    char *value; /* NULL: SQL NULL, or no row */
} answer;

static void begin(void)
{
    StartTransactionCommand();
    SPI_connect();
    PushActiveSnapshot(GetTransactionSnapshot());
}

static void commit(void)
{
    PopActiveSnapshot();
    SPI_finish();
    CommitTransactionCommand();
}

/* Allocates in memory that outlives the transaction. */
static char *first_column(uint64 row)
{
    char *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1);

    return value == NULL ? NULL : MemoryContextStrdup(TopMemoryContext, value);
}

static char **read_job(uint64 *count)
{
    char **statements;

    begin();
    SPI_execute("SELECT statement FROM job ORDER BY step", true, 0);
    *count = SPI_processed;
    statements = MemoryContextAlloc(TopMemoryContext, sizeof(*statements) * (*count + 1));
    for (uint64 i = 0; i < *count; i++)
        statements[i] = first_column(i);
    commit();
    return statements;
}

static void write_answers(const answer *answers, uint64 count)
{
    Oid types[] = {INT8OID, TEXTOID};

    begin();
    for (uint64 i = 0; i < count; i++) {
        const char *value = answers[i].value;
        Datum values[] = {Int64GetDatum((int64)answers[i].step),
                          value == NULL ? (Datum)0 : CStringGetTextDatum(value)};

        SPI_execute_with_args("INSERT INTO seen VALUES ($1, $2)", 2, types, values,
                              value == NULL ? " n" : "  ", false, 0);
    }
    commit();
}

void test_worker_main(Datum database)
{
    uint64 count;
    uint64 answered = 0;
    char **statements;
    answer *answers;

    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
    statements = read_job(&count);
    answers = MemoryContextAllocZero(TopMemoryContext, sizeof(*answers) * (count + 1));
    for (uint64 i = 0; i < count; i++) {
        if (strcmp(statements[i], "STATEMENT") == 0) {
            SetCurrentStatementStartTimestamp();
            continue;
        }
        if (!IsTransactionState())
            begin();
        if (strcmp(statements[i], "COMMIT") == 0 || strcmp(statements[i], "ROLLBACK") == 0) {
            if (statements[i][0] == 'C')
                commit();
            else
                AbortCurrentTransaction();
            write_answers(answers, answered);
            answered = 0;
            continue;
        }
        /* The statement that the server logs with an ERROR. */
        debug_query_string = statements[i];
        answers[answered] = (answer){.step = i + 1};
        SPI_execute(statements[i], false, 0);
        if (SPI_tuptable != NULL && SPI_processed > 0)
            answers[answered].value = first_column(0);
        answered++;
        debug_query_string = NULL;
    }
}

/* Starts a worker in this database and waits for its end. */
Datum test_worker_run(PG_FUNCTION_ARGS)
{
    BackgroundWorker worker;
    BackgroundWorkerHandle *handle;

    (void)fcinfo;
    memset(&worker, 0, sizeof(worker));
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    strlcpy(worker.bgw_library_name, LIBRARY, sizeof(worker.bgw_library_name));
    strlcpy(worker.bgw_function_name, "test_worker_main", sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_name, "test worker", sizeof(worker.bgw_name));
    strlcpy(worker.bgw_type, "test worker", sizeof(worker.bgw_type));
    worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
    worker.bgw_notify_pid = MyProcPid;
    if (!RegisterDynamicBackgroundWorker(&worker, &handle))
        elog(ERROR, "no background worker is free");
    if (WaitForBackgroundWorkerShutdown(handle) != BGWH_STOPPED)
        elog(ERROR, "the background worker did not stop");
    PG_RETURN_VOID();
}
