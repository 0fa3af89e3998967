/* SPDX-License-Identifier: Apache-2.0 */
/*
 * functions.c - the SQL functions that set and read the identity.
 *
 * The names up to organization_id_wrapper are fixed: catalogs that earlier versions made contain
 * them. No exported function calls another one, because another library may export the same name.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include <sjwt.h>

#include "extension/errors.h"
#include "extension/login.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/trust.h"
#include "extension/compat.h"

PGSJ_FUNCTION(init_wrapper);
PGSJ_FUNCTION(jwt_session_init_wrapper);
PGSJ_FUNCTION(jwt_authenticate_wrapper);
PGSJ_FUNCTION(jwt_session_refresh_wrapper);
PGSJ_FUNCTION(jwt_token_wrapper);
PGSJ_FUNCTION(jwt_seal_wrapper);
PGSJ_FUNCTION(jwt_unseal_wrapper);
PGSJ_FUNCTION(session_wrapper);
PGSJ_FUNCTION(jwt_wrapper);
PGSJ_FUNCTION(user_id_wrapper);
PGSJ_FUNCTION(uid_wrapper);
PGSJ_FUNCTION(organization_wrapper);
PGSJ_FUNCTION(organization_id_wrapper);
PGSJ_FUNCTION(jwt_algorithms_wrapper);

Datum init_wrapper(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    pgsj_session_check_key();
    PG_RETURN_VOID();
}

Datum jwt_session_init_wrapper(PG_FUNCTION_ARGS)
{
    ErrorContextCallback callback;

    pgsj_hide_statement(&callback);
    pgsj_set_token(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
    pgsj_session_verify();
    pgsj_show_statement(&callback);
    PG_RETURN_VOID();
}

static inline Datum all_claims(void)
{
    return pgsj_session_jsonb_claims()->session.value;
}

Datum session_wrapper(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    return all_claims();
}

Datum jwt_wrapper(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    return all_claims();
}

/* In claims mode, auth.user_id() is NULL where "sub" is not a string. */
static void refuse_invalid_subject(const pgsj_claims *claims)
{
    if (claims->subject_invalid && pgsj_trust_verifies())
        pgsj_raise_invalid_subject();
}

static inline Datum user_id(FunctionCallInfo fcinfo)
{
    const pgsj_claims *claims = pgsj_session_claims();

    if (likely(!claims->user_id.isnull))
        return claims->user_id.value;
    refuse_invalid_subject(claims);
    PG_RETURN_NULL();
}

Datum user_id_wrapper(PG_FUNCTION_ARGS)
{
    return user_id(fcinfo);
}

/* A caller without a token would go on without an identity. */
static char *required_token(FunctionCallInfo fcinfo)
{
    text *jwt;

    if (PG_ARGISNULL(0))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("JWT to authenticate with is NULL")));
    jwt = PG_GETARG_TEXT_PP(0);
    if (VARSIZE_ANY_EXHDR(jwt) == 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("JWT to authenticate with is empty")));
    return text_to_cstring(jwt);
}

Datum jwt_authenticate_wrapper(PG_FUNCTION_ARGS)
{
    ErrorContextCallback callback;

    pgsj_hide_statement(&callback);
    WarnNoTransactionBlock(pgsj_session_at_top_level(), "auth.jwt_authenticate()");
    if (pgsj_settings.seal) {
        pgsj_session_seal_transaction(required_token(fcinfo));
    } else {
        pgsj_set_token(required_token(fcinfo), true);
        pgsj_session_verify();
    }
    pgsj_show_statement(&callback);
    return user_id(fcinfo);
}

Datum jwt_session_refresh_wrapper(PG_FUNCTION_ARGS)
{
    ErrorContextCallback callback;

    pgsj_hide_statement(&callback);
    pgsj_login_refresh(required_token(fcinfo));
    pgsj_show_statement(&callback);
    PG_RETURN_VOID();
}

/* Calls function with the first argument. Nothing logs the statement, which may hold a secret. */
static void with_secret(FunctionCallInfo fcinfo, void (*function)(const pgsj_secret *secret))
{
    ErrorContextCallback callback;
    text *argument;
    pgsj_secret secret;

    pgsj_hide_statement(&callback);
    if (PG_ARGISNULL(0))
        ereport(ERROR,
                (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("secret to seal with is NULL")));
    argument = PG_GETARG_TEXT_PP(0);
    secret = (pgsj_secret){.octets = VARDATA_ANY(argument), .len = VARSIZE_ANY_EXHDR(argument)};
    function(&secret);
    pgsj_show_statement(&callback);
}

Datum jwt_seal_wrapper(PG_FUNCTION_ARGS)
{
    with_secret(fcinfo, pgsj_session_seal);
    PG_RETURN_VOID();
}

Datum jwt_unseal_wrapper(PG_FUNCTION_ARGS)
{
    with_secret(fcinfo, pgsj_session_unseal);
    PG_RETURN_VOID();
}

Datum jwt_token_wrapper(PG_FUNCTION_ARGS)
{
    const char *token = pgsj_session_token_text();

    if (token == NULL)
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(token));
}

Datum uid_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_claims()->uid);
}

Datum organization_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_jsonb_claims()->organization);
}

Datum organization_id_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_jsonb_claims()->organization_id);
}

Datum jwt_algorithms_wrapper(PG_FUNCTION_ARGS)
{
    FuncCallContext *call;
    const char *name;
    const char *backend;

    if (SRF_IS_FIRSTCALL()) {
        MemoryContext caller;
        TupleDesc descriptor;

        call = SRF_FIRSTCALL_INIT();
        caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
        if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "return type must be a row type");
        call->tuple_desc = BlessTupleDesc(descriptor);
        MemoryContextSwitchTo(caller);
    }
    call = SRF_PERCALL_SETUP();
    if (sjwt_algorithm_info(call->call_cntr, &name, &backend)) {
        Datum values[2] = {CStringGetTextDatum(name)};
        bool nulls[2] = {false, backend == NULL};
        HeapTuple row;

        if (backend != NULL)
            values[1] = CStringGetTextDatum(backend);
        row = heap_form_tuple(call->tuple_desc, values, nulls);
        SRF_RETURN_NEXT(call, HeapTupleGetDatum(row));
    }
    SRF_RETURN_DONE(call);
}
