/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_functions.c - the SQL functions that tell whether a token is accepted, and why not:
 * the session's token, and any other one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include <sjwt.h>

#include "extension/advice.h"
#include "extension/audit.h"
#include "extension/clock.h"
#include "extension/errors.h"
#include "extension/identity.h"
#include "extension/input.h"
#include "extension/memory.h"
#include "extension/revocation.h"
#include "extension/seal.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/shared_cache.h"
#include "extension/skipped_keys.h"
#include "extension/trust.h"
#include "extension/compat.h"

PGSJ_FUNCTION(jwt_status_wrapper);
PGSJ_FUNCTION(jwt_verify_wrapper);

static HeapTuple make_row(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls)
{
    TupleDesc descriptor;

    if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    return heap_form_tuple(BlessTupleDesc(descriptor), unconstify(Datum *, values),
                           unconstify(bool *, nulls));
}

/* ---- auth.jwt_status() ------------------------------------------------- */

enum {
    MODE,
    STATUS,
    REASON,
    ISSUER,
    SUBJECT,
    ALGORITHM,
    KEY_ID,
    BACKEND,
    ISSUED_AT,
    EXPIRES_AT,
    KEYS_KNOWN,
    KEYS_SKIPPED,
    SHARED_CACHE,
    LOGIN,
    COLUMNS
};

typedef struct row {
    Datum values[COLUMNS];
    bool nulls[COLUMNS];
} row;

static void put(row *out, int column, Datum value)
{
    out->values[column] = value;
    out->nulls[column] = false;
}

static void put_nullable(row *out, int column, NullableDatum value)
{
    if (!value.isnull)
        put(out, column, value.value);
}

static void put_text(row *out, int column, const char *value)
{
    if (value != NULL)
        put(out, column, CStringGetTextDatum(value));
}

static void put_time(row *out, int column, int64 unix_time)
{
    put(out, column, TimestampTzGetDatum(pgsj_timestamp(unix_time)));
}

static void put_keys(row *out, const pgsj_verification_policy *policy)
{
    StringInfoData json;
    size_t known = 0;

    initStringInfo(&json);
    appendStringInfoChar(&json, '[');
    for (size_t i = 0; i < policy->issuer_count; i++)
        if (policy->issuers[i].keys != NULL) {
            pgsj_prepare_keys(policy->issuers[i].keys);
            known += sjwt_keyset_count(policy->issuers[i].keys);
            pgsj_append_skipped(&json, policy->issuers[i].keys);
        }
    appendStringInfoChar(&json, ']');
    put(out, KEYS_KNOWN, Int32GetDatum((int32)known));
    put(out, KEYS_SKIPPED, DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* The backend, and the module of its library where it names one. */
static void put_backend(row *out, const pgsj_identity *identity)
{
    const char *name;
    const char *backend;

    for (size_t n = 0; identity->algorithm != NULL && sjwt_algorithm_info(n, &name, &backend); n++)
        if (strcmp(name, identity->algorithm) == 0 && sjwt_algorithm_module(n)[0] != '\0') {
            put_text(out, BACKEND, psprintf("%s: %s", identity->backend, sjwt_algorithm_module(n)));
            return;
        }
    put_text(out, BACKEND, identity->backend);
}

static void put_identity(row *out, const pgsj_identity *identity)
{
    put_nullable(out, ISSUER, identity->claims.issuer);
    put_nullable(out, SUBJECT, identity->claims.user_id);
    put_text(out, ALGORITHM, identity->algorithm);
    put_text(out, KEY_ID, pgsj_null_if_not_in_encoding(identity->key_id));
    put_backend(out, identity);
    if (identity->has_issued_at)
        put_time(out, ISSUED_AT, identity->issued_at);
    if (identity->has_expires_at)
        put_time(out, EXPIRES_AT, identity->expires_at);
}

/* Why the list of revoked tokens may be an old one; NULL: it is not. */
static const char *revocation_problem(void)
{
    const char *problem = pgsj_trust_verifies() ? pgsj_revocation_file_problem_in_use() : NULL;

    return problem == NULL ? NULL
                           : psprintf("The last valid list of revoked tokens is used. File %s: %s",
                                      pgsj_settings.revoked_file, problem);
}

Datum jwt_status_wrapper(PG_FUNCTION_ARGS)
{
    pgsj_failure failure;
    const pgsj_verification_policy *policy = NULL;
    bool usable = pgsj_trust_check_conflict(&failure);
    pgsj_failure refusal;
    const pgsj_identity *identity;
    const char *reason;
    row out;

    memset(out.nulls, true, sizeof(out.nulls));
    put_text(&out, SHARED_CACHE, pgsj_shared_cache_state());
    put_text(&out, MODE, pgsj_trust_mode_name(pgsj_trust_current_mode()));
    if (usable && pgsj_trust_verifies()) {
        policy = pgsj_trust_policy(&failure);
        usable = policy != NULL;
        if (usable)
            put_keys(&out, policy);
    }
    identity = pgsj_session_find(&refusal);
    if (identity != NULL && pgsj_settings.audit)
        pgsj_audit_read(identity);
    if (!usable) {
        put_text(&out, STATUS, "misconfigured");
        put_text(&out, REASON, pgsj_explain_with_advice(&failure));
    } else if (identity == NULL) {
        put_text(&out, STATUS, "refused");
        put_text(&out, REASON, pgsj_explain_with_advice(&refusal));
    } else if (pgsj_session_lacks_identity(identity, &reason)) {
        put_text(&out, STATUS, "none");
        put_text(&out, REASON, reason);
    } else if (identity->claims.subject_invalid) {
        put_text(&out, STATUS, "refused");
        put_text(&out, REASON, PGSJ_INVALID_SUBJECT);
    } else {
        put_text(&out, STATUS, "valid");
        put_text(&out, REASON, revocation_problem());
        put_identity(&out, identity);
        put(&out, LOGIN, BoolGetDatum(pgsj_session_is_login()));
    }
    return HeapTupleGetDatum(make_row(fcinfo, out.values, out.nulls));
}

/* ---- auth.jwt_verify() ------------------------------------------------- */

/* In octets of text. Every role can pass keys, and the core cannot be interrupted while it
 * prepares them; an Ed25519 key takes almost a tenth of a millisecond. */
#define MAX_KEYS_SIZE (256 * 1024)

/* The caller frees the set at once; where an error is raised, the end of the current memory
 * context does. */
static sjwt_keyset **parse_keys(Jsonb *jsonb)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    char *json = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
    sjwt_keyset **keys = pgsj_owned_keyset(CurrentMemoryContext);
    sjwt_error error;

    CHECK_FOR_INTERRUPTS();
    if (strlen(json) > MAX_KEYS_SIZE)
        pgsj_raise_too_large_keys(MAX_KEYS_SIZE);
    json = pg_server_to_any(json, (int)strlen(json), PG_UTF8);
    if (sjwt_keyset_parse(&allocator, json, strlen(json), keys, &error) != SJWT_OK ||
        sjwt_keyset_prepare_any(*keys, &error) != SJWT_OK)
        pgsj_raise_unusable_keys(&error);
    return keys;
}

/* Sets the header and the payload of a valid token. False: see *failure. */
static bool verify(const char *token_text, const sjwt_policy *policy, Datum values[2],
                   pgsj_failure *failure)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    sjwt_token **token = pgsj_owned_token(CurrentMemoryContext);
    const char *header;
    const char *payload;
    size_t header_len;
    size_t payload_len;
    bool valid;

    if (sjwt_verify(&allocator, token_text, strlen(token_text), policy, token, &failure->jwt) !=
        SJWT_OK) {
        failure->kind = PGSJ_FAILURE_JWT;
        return false;
    }
    header = sjwt_token_header(*token, &header_len);
    payload = sjwt_token_payload(*token, &payload_len);
    valid = pgsj_jsonb_from_utf8(header, header_len, &values[0], failure) &&
            pgsj_jsonb_from_utf8(payload, payload_len, &values[1], failure);
    sjwt_token_free(*token);
    *token = NULL;
    return valid;
}

Datum jwt_verify_wrapper(PG_FUNCTION_ARGS)
{
    Datum values[4] = {0};
    bool nulls[4] = {true, true, false, true};
    ErrorContextCallback callback;
    pgsj_failure failure;
    sjwt_keyset **keys;
    sjwt_issuer_policy issuer;
    sjwt_policy policy;
    bool valid;

    pgsj_hide_statement(&callback);
    keys = parse_keys(PG_GETARG_JSONB_P(1));
    issuer = (sjwt_issuer_policy){.keys = *keys, .algorithms = sjwt_keyset_algorithms(*keys)};
    policy = (sjwt_policy){.issuers = &issuer,
                           .issuer_count = 1,
                           .now = pgsj_unix_time(GetCurrentStatementStartTimestamp()),
                           .leeway = (uint32)pgsj_settings.leeway};
    valid = verify(text_to_cstring(PG_GETARG_TEXT_PP(0)), &policy, values, &failure);
    sjwt_keyset_free(*keys);
    *keys = NULL;
    pgsj_show_statement(&callback);

    values[2] = BoolGetDatum(valid);
    if (valid)
        nulls[0] = nulls[1] = false;
    else {
        pgsj_raise_unless_verdict(&failure);
        values[3] = CStringGetTextDatum(pgsj_explain(&failure));
        nulls[3] = false;
    }
    return HeapTupleGetDatum(make_row(fcinfo, values, nulls));
}
