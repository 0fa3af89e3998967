/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statistics_functions.c - the SQL functions that show counters and sessions of the cluster.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "common/string.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "extension/clock.h"
#include "extension/statistics.h"
#include "extension/trust.h"
#include "extension/compat.h"

PGSJ_FUNCTION(jwt_stats_wrapper);
PGSJ_FUNCTION(jwt_stats_reset_wrapper);
PGSJ_FUNCTION(jwt_sessions_wrapper);

static void deny_unless(bool is_allowed, const char *who)
{
    if (!is_allowed)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied for statistics of all sessions"),
                        errdetail_internal("This is for %s.", who)));
}

static void need_to_read(void)
{
    deny_unless(has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS),
                "superusers and members of pg_read_all_stats");
}

static void need_statistics(void)
{
    if (!pgsj_statistics_available())
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("there is no shared memory for statistics"),
                        errhint("Add pg_session_jwt to shared_preload_libraries and restart the "
                                "server.")));
}

static FuncCallContext *first_call(FunctionCallInfo fcinfo)
{
    FuncCallContext *call = SRF_FIRSTCALL_INIT();
    MemoryContext caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
    TupleDesc descriptor;

    if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    call->tuple_desc = BlessTupleDesc(descriptor);
    MemoryContextSwitchTo(caller);
    return call;
}

Datum jwt_stats_wrapper(PG_FUNCTION_ARGS)
{
    FuncCallContext *call;
    const char *counter;
    const char *reason;
    int64 value;

    if (SRF_IS_FIRSTCALL()) {
        need_to_read();
        need_statistics();
        (void)first_call(fcinfo);
    }
    call = SRF_PERCALL_SETUP();
    if (pgsj_statistics_get(call->call_cntr, &counter, &reason, &value)) {
        Datum values[4] = {CStringGetTextDatum(counter)};
        bool nulls[4] = {false, reason == NULL};

        if (reason != NULL)
            values[1] = CStringGetTextDatum(reason);
        values[2] = Int64GetDatum(value);
        values[3] = TimestampTzGetDatum(pgsj_statistics_since());
        SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
    }
    SRF_RETURN_DONE(call);
}

Datum jwt_stats_reset_wrapper(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    deny_unless(superuser(), "superusers");
    need_statistics();
    pgsj_statistics_reset();
    PG_RETURN_VOID();
}

/* ---- sessions ---------------------------------------------------------- */

enum { PID, DATABASE, MODE, ISSUER, SUBJECT, KEY_ID, EXPIRES_AT, SEALED, COLUMNS };

typedef struct row {
    Datum values[COLUMNS];
    bool nulls[COLUMNS];
} row;

/* Leaves NULL where there is no text, or where this database's encoding may lack a character. */
static void put_text(row *out, int column, const char *text, int encoding)
{
    if (text[0] == '\0' || (encoding != GetDatabaseEncoding() && !pg_is_ascii(text)))
        return;
    out->values[column] = CStringGetTextDatum(text);
    out->nulls[column] = false;
}

static HeapTuple session_row(TupleDesc descriptor, const pgsj_session_report *report)
{
    row out = {.values = {0}};
    const char *database = get_database_name(report->database);

    memset(out.nulls, true, sizeof(out.nulls));
    out.values[PID] = Int32GetDatum(report->pid);
    out.nulls[PID] = false;
    if (database != NULL) {
        out.values[DATABASE] = CStringGetTextDatum(database);
        out.nulls[DATABASE] = false;
    }
    if (report->has_identity) {
        put_text(&out, MODE, pgsj_trust_mode_name((pgsj_trust_mode)report->mode), PG_SQL_ASCII);
        put_text(&out, ISSUER, report->issuer, report->encoding);
        put_text(&out, SUBJECT, report->subject, report->encoding);
        put_text(&out, KEY_ID, report->key_id, PG_UTF8);
        out.values[SEALED] = BoolGetDatum(report->sealed);
        out.nulls[SEALED] = false;
        if (report->has_expires_at) {
            out.values[EXPIRES_AT] = TimestampTzGetDatum(pgsj_timestamp(report->expires_at));
            out.nulls[EXPIRES_AT] = false;
        }
    }
    return heap_form_tuple(descriptor, out.values, out.nulls);
}

Datum jwt_sessions_wrapper(PG_FUNCTION_ARGS)
{
    FuncCallContext *call;
    pgsj_session_report report;
    size_t *next;

    if (SRF_IS_FIRSTCALL()) {
        need_to_read();
        need_statistics();
        call = first_call(fcinfo);
        call->user_fctx = MemoryContextAllocZero(call->multi_call_memory_ctx, sizeof(*next));
    }
    call = SRF_PERCALL_SETUP();
    next = call->user_fctx;
    while (pgsj_session_report_get((*next)++, &report))
        if (report.pid != 0)
            SRF_RETURN_NEXT(call, HeapTupleGetDatum(session_row(call->tuple_desc, &report)));
    SRF_RETURN_DONE(call);
}
