/*
 * claim_functions.c - what SQL can ask of the claims.
 *
 * A policy asks the same for each row. The answer is kept with the call, for
 * as long as the claims are the same.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "extension/claims.h"
#include "extension/session.h"
#include "extension/compat.h"

PSJ_FUNCTION(claim_wrapper);
PSJ_FUNCTION(role_wrapper);
PSJ_FUNCTION(email_wrapper);
PSJ_FUNCTION(has_scope_wrapper);
PSJ_FUNCTION(has_role_wrapper);

typedef struct answer {
    uint64 claims; /* their id; 0: nothing is kept */
    bool is_null;
    Datum value;
    text *text;     /* what value points to; NULL: it is passed by value */
    text *previous; /* the text before it, to which the row before may point */
} answer;

/* The answer that the call keeps, if it is of these claims. */
static inline const answer *kept_answer(FunctionCallInfo fcinfo, const psj_claims *claims)
{
    const answer *kept = fcinfo->flinfo->fn_extra;

    return likely(kept != NULL && kept->claims == claims->id) ? kept : NULL;
}

static Datum give(FunctionCallInfo fcinfo, const answer *kept)
{
    fcinfo->isnull = kept->is_null;
    return kept->value;
}

/* Where to keep an answer; NULL where the argument may be another for each row. */
static answer *place(FunctionCallInfo fcinfo)
{
    FmgrInfo *call = fcinfo->flinfo;

    if (call->fn_extra == NULL && get_fn_expr_arg_stable(call, 0))
        call->fn_extra = MemoryContextAllocZero(call->fn_mcxt, sizeof(answer));
    return call->fn_extra;
}

static void keep_text(FunctionCallInfo fcinfo, const psj_claims *claims, Datum value, bool is_null)
{
    answer *kept = place(fcinfo);
    text *copy = NULL;

    if (kept == NULL)
        return;
    if (!is_null) {
        const Size size = VARSIZE(DatumGetPointer(value));

        copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, size);
        memcpy(copy, DatumGetPointer(value), size);
    }
    if (kept->previous != NULL)
        pfree(kept->previous);
    *kept = (answer){.claims = claims->id,
                     .is_null = is_null,
                     .value = PointerGetDatum(copy),
                     .text = copy,
                     .previous = kept->text};
}

Datum claim_wrapper(PG_FUNCTION_ARGS)
{
    const psj_claims *claims = psj_session_claims();
    const answer *kept = kept_answer(fcinfo, claims);
    Datum value = (Datum)0;
    bool is_null;

    if (likely(kept != NULL))
        return give(fcinfo, kept);
    is_null =
        claims->nobody || !psj_claims_at(psj_session_whole_of(claims), PG_GETARG_DATUM(0), &value);
    keep_text(fcinfo, claims, value, is_null);
    if (is_null)
        PG_RETURN_NULL();
    return value;
}

Datum role_wrapper(PG_FUNCTION_ARGS)
{
    const psj_claims *claims = psj_session_claims();

    if (!claims->has_role)
        PG_RETURN_NULL();
    return claims->role;
}

Datum email_wrapper(PG_FUNCTION_ARGS)
{
    const psj_claims *claims = psj_session_claims();

    if (!claims->has_email)
        PG_RETURN_NULL();
    return claims->email;
}

static Datum has(FunctionCallInfo fcinfo,
                 bool (*test)(const psj_whole_claims *whole, const text *item))
{
    const psj_claims *claims = psj_session_claims();
    const answer *kept = kept_answer(fcinfo, claims);
    answer *to_keep;
    answer found = {0};

    if (likely(kept != NULL))
        return give(fcinfo, kept);
    found.claims = claims->id;
    found.is_null = claims->nobody;
    if (!found.is_null)
        found.value = BoolGetDatum(test(psj_session_whole_of(claims), PG_GETARG_TEXT_PP(0)));
    to_keep = place(fcinfo);
    if (to_keep != NULL)
        *to_keep = found;
    return give(fcinfo, &found);
}

Datum has_scope_wrapper(PG_FUNCTION_ARGS)
{
    return has(fcinfo, psj_claims_have_scope);
}

Datum has_role_wrapper(PG_FUNCTION_ARGS)
{
    return has(fcinfo, psj_claims_have_role);
}
