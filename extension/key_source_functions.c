/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_source_functions.c - the SQL function that tells where the keys come from.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "extension/clock.h"
#include "extension/settings.h"
#include "extension/skipped_keys.h"
#include "extension/trust.h"
#include "extension/compat.h"

PGSJ_FUNCTION(jwt_key_sources_wrapper);

enum {
    ISSUER,
    SOURCE,
    KEYS,
    KEYS_SKIPPED,
    FETCHED_AT,
    NEXT_FETCH_AT,
    PROBLEM,
    STALE_SINCE,
    COLUMNS
};

typedef struct columns {
    Datum values[COLUMNS];
    bool nulls[COLUMNS];
} columns;

static void put(columns *out, int column, Datum value)
{
    out->values[column] = value;
    out->nulls[column] = false;
}

static void put_text(columns *out, int column, const char *utf8)
{
    const char *text = pgsj_null_if_not_in_encoding(utf8);

    if (text != NULL && text[0] != '\0')
        put(out, column, CStringGetTextDatum(text));
}

/* seconds: since the Unix epoch; 0 for never. */
static void put_seconds(columns *out, int column, int64 seconds)
{
    if (seconds != 0)
        put(out, column, TimestampTzGetDatum(pgsj_timestamp(seconds * USECS_PER_SEC)));
}

static void put_keys(columns *out, const sjwt_keyset *keys)
{
    StringInfoData json;

    initStringInfo(&json);
    appendStringInfoChar(&json, '[');
    if (keys != NULL) {
        pgsj_prepare_keys(keys);
        pgsj_append_skipped(&json, keys);
    }
    appendStringInfoChar(&json, ']');
    put(out, KEYS, Int32GetDatum(keys == NULL ? 0 : (int32)sjwt_keyset_count(keys)));
    put(out, KEYS_SKIPPED, DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* What the worker wrote down. */
static void put_fetches(columns *out, const pgsj_fetched_file *file)
{
    pgsj_fetch_state state;

    if (!pgsj_fetch_state_read(file, &state))
        return;
    put_seconds(out, FETCHED_AT, state.fetched_at);
    put_seconds(out, NEXT_FETCH_AT, state.next_at);
    put_text(out, PROBLEM, state.problem);
    put_seconds(out, STALE_SINCE, state.failing_since);
}

static void fill(columns *out, const pgsj_key_binding *binding)
{
    memset(out->nulls, true, sizeof(out->nulls));
    put_text(out, ISSUER, binding->issuer);
    put_keys(out, binding->keys);
    if (binding->source == NULL) {
        put_text(out, SOURCE, pgsj_setting_names.issuers_file);
        return;
    }
    put_text(out, SOURCE, pgsj_key_source_name(binding->source));
    put_text(out, PROBLEM, pgsj_key_source_problem(binding->source));
    if (pgsj_key_source_fetched_file(binding->source) != NULL)
        put_fetches(out, pgsj_key_source_fetched_file(binding->source));
}

/* All rows, in the memory of the call: the next statement may change the policy. */
static HeapTuple *make_rows(TupleDesc descriptor)
{
    pgsj_failure failure;
    pgsj_key_binding binding;
    HeapTuple *rows;
    size_t count = 0;

    (void)pgsj_trust_policy(&failure);
    while (pgsj_trust_key_binding(count, &binding))
        count++;
    rows = palloc0(sizeof(HeapTuple) * (count + 1));
    for (size_t n = 0; pgsj_trust_key_binding(n, &binding); n++) {
        columns one;

        fill(&one, &binding);
        rows[n] = heap_form_tuple(descriptor, one.values, one.nulls);
    }
    return rows;
}

Datum jwt_key_sources_wrapper(PG_FUNCTION_ARGS)
{
    FuncCallContext *call;
    HeapTuple row;

    if (SRF_IS_FIRSTCALL()) {
        MemoryContext caller;
        TupleDesc descriptor;

        call = SRF_FIRSTCALL_INIT();
        caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
        if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "return type must be a row type");
        call->tuple_desc = BlessTupleDesc(descriptor);
        call->user_fctx = make_rows(call->tuple_desc);
        MemoryContextSwitchTo(caller);
    }
    call = SRF_PERCALL_SETUP();
    row = ((HeapTuple *)call->user_fctx)[call->call_cntr];
    if (row == NULL)
        SRF_RETURN_DONE(call);
    SRF_RETURN_NEXT(call, HeapTupleGetDatum(row));
}
