/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_functions.c - the SQL functions of the table auth.revocation: auth.revoke(), and
 * what the table itself calls.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include <sjwt.h>

#include "extension/clock.h"
#include "extension/errors.h"
#include "extension/fingerprint.h"
#include "extension/input.h"
#include "extension/memory.h"
#include "extension/trust.h"
#include "extension/compat.h"

PGSJ_FUNCTION(revocation_fingerprint_wrapper);
PGSJ_FUNCTION(revocation_changed_wrapper);
PGSJ_FUNCTION(revoke_wrapper);

/* ---- the table's own --------------------------------------------------- */

static char *utf8_argument(FunctionCallInfo fcinfo, int n)
{
    char *argument = text_to_cstring(PG_GETARG_TEXT_PP(n));

    return pg_server_to_any(argument, (int)strlen(argument), PG_UTF8);
}

/* (iss, jti, sid, sub): NULL unless there are iss and exactly one of the others. */
Datum revocation_fingerprint_wrapper(PG_FUNCTION_ARGS)
{
    int by = -1;
    pgsj_fingerprinter *maker;
    pgsj_fingerprint fingerprint;
    bytea *result;

    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    for (int i = 0; i < SJWT_REVOKED_BY_COUNT; i++) {
        if (PG_ARGISNULL(1 + i))
            continue;
        if (by >= 0)
            PG_RETURN_NULL();
        by = i;
    }
    if (by < 0)
        PG_RETURN_NULL();
    maker = pgsj_fingerprinter_create();
    pgsj_fingerprint_make(maker, utf8_argument(fcinfo, 0), (sjwt_revoked_by)by,
                          utf8_argument(fcinfo, 1 + by), &fingerprint);
    pgsj_fingerprinter_free(maker);
    result = palloc(VARHDRSZ + sizeof(fingerprint));
    SET_VARSIZE(result, VARHDRSZ + sizeof(fingerprint));
    memcpy(VARDATA(result), fingerprint.octets, sizeof(fingerprint));
    PG_RETURN_BYTEA_P(result);
}

static void connect_spi(void)
{
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
}

/* Returns how many rows the statement processed. */
static uint64 execute(const char *statement, int count, Oid *types, Datum *values, int wanted)
{
    const int result = SPI_execute_with_args(statement, count, types, values, NULL, false, 0);

    if (result != wanted)
        elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
    return SPI_processed;
}

/* So many that the table does not grow, and so few that no statement notices it. */
static void delete_expired(void)
{
    connect_spi();
    (void)execute("DELETE FROM auth.revocation WHERE ctid = ANY (ARRAY("
                  "SELECT ctid FROM auth.revocation WHERE until < now() - interval '1 minute'"
                  " LIMIT 1000 FOR UPDATE SKIP LOCKED))",
                  0, NULL, NULL, SPI_OK_DELETE);
    SPI_finish();
}

/* AFTER each statement. Sessions take the invalidation in when the transaction commits. */
Datum revocation_changed_wrapper(PG_FUNCTION_ARGS)
{
    const TriggerData *trigger = (const TriggerData *)fcinfo->context;

    if (!CALLED_AS_TRIGGER(fcinfo))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("auth.revocation_changed() was not called by a trigger")));
    CacheInvalidateRelcacheByRelid(RelationGetRelid(trigger->tg_relation));
    /* A subscriber of logical replication has what its publisher has. In the other isolation
     * levels, rows that others delete at the same time would fail the statement. */
    if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && !IsolationUsesXactSnapshot() &&
        SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
        delete_expired();
    return PointerGetDatum(NULL);
}

/* ---- auth.revoke() ----------------------------------------------------- */

/* Calls the core; raises where the token is refused. The token lives as long as the current
 * memory context. */
static const sjwt_token *verify(const char *text, const pgsj_verification_policy **out)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    pgsj_failure failure = {.kind = PGSJ_FAILURE_JWT};
    const pgsj_verification_policy *policy;
    sjwt_token **token = pgsj_owned_token(CurrentMemoryContext);
    sjwt_policy terms;

    if (pgsj_trust_current_mode() != PGSJ_TRUST_ISSUER)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("logout tokens need pinned issuers"),
                        errhint("Set pg_session_jwt.jwks_file, .jwks or .issuers_file."),
                        errhidestmt(true)));
    policy = pgsj_trust_policy(&failure);
    if (policy == NULL)
        pgsj_raise(&failure);
    terms = (sjwt_policy){.issuers = policy->issuers,
                          .issuer_count = policy->issuer_count,
                          .now = pgsj_unix_time(GetCurrentStatementStartTimestamp()),
                          .leeway = policy->leeway};
    if (sjwt_verify_logout_token(&allocator, text, strlen(text), &terms, token, &failure.jwt) !=
        SJWT_OK) {
        failure.kind = PGSJ_FAILURE_JWT;
        pgsj_trust_add_key_detail(policy, &failure);
        pgsj_raise(&failure);
    }
    *out = policy;
    return *token;
}

/* The payload as jsonb: SQL takes the claims from it. */
static Datum claims_of(const sjwt_token *token)
{
    size_t len;
    const char *payload = sjwt_token_payload(token, &len);
    pgsj_failure failure;
    Datum claims;

    if (!pgsj_jsonb_from_utf8(payload, len, &claims, &failure))
        pgsj_raise(&failure);
    return claims;
}

/* The start of the second after that time. */
static TimestampTz next_second(int64 unix_time)
{
    const int64 seconds = unix_time / USECS_PER_SEC;

    if (seconds >= PG_INT64_MAX / USECS_PER_SEC - 1)
        return DT_NOEND;
    return pgsj_timestamp((seconds + 1) * USECS_PER_SEC);
}

/* The token itself is kept as revoked for as long as it is valid, so that it counts once.
 * Returns false where it is there already. */
static bool keep_token(Datum claims, TimestampTz until)
{
    Oid types[] = {JSONBOID, TIMESTAMPTZOID};
    Datum values[] = {claims, TimestampTzGetDatum(until)};

    return execute("INSERT INTO auth.revocation (iss, jti, until)"
                   " VALUES ($1->>'iss', $1->>'jti', $2) ON CONFLICT DO NOTHING",
                   lengthof(types), types, values, SPI_OK_INSERT) > 0;
}

/* When the last token that a logout revokes has expired: unless each token of the issuer has an
 * iat and a greatest lifetime, that is never. */
static bool find_end(const pgsj_verification_policy *policy, const sjwt_token *token,
                     TimestampTz issued_before, TimestampTz *out)
{
    const sjwt_issuer_policy *issuer = &policy->issuers[sjwt_token_issuer_index(token)];
    bool requires_iat = false;

    for (size_t i = 0; i < issuer->required_claims.count; i++)
        requires_iat |= strcmp(issuer->required_claims.items[i], "iat") == 0;
    if (issuer->max_lifetime == 0 || !requires_iat || TIMESTAMP_NOT_FINITE(issued_before))
        return false;
    *out = issued_before + ((int64)issuer->max_lifetime + policy->leeway) * USECS_PER_SEC;
    return true;
}

/* With sid, one session ends, with all its tokens; else all sessions of the user that began so
 * far. A row that is there already is extended to what both revoke. */
static void revoke_tokens(Datum claims, TimestampTz issued_before, const TimestampTz *until)
{
    Oid types[] = {JSONBOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
    Datum values[] = {claims, TimestampTzGetDatum(issued_before),
                      TimestampTzGetDatum(until == NULL ? DT_NOEND : *until)};

    (void)execute("INSERT INTO auth.revocation AS old (iss, sid, sub, issued_before, until)"
                  " SELECT $1->>'iss', $1->>'sid',"
                  " CASE WHEN $1->>'sid' IS NULL THEN $1->>'sub' END,"
                  " CASE WHEN $1->>'sid' IS NULL THEN $2 END,"
                  " CASE WHEN isfinite($3) THEN $3 END"
                  " ON CONFLICT (fingerprint) DO UPDATE SET"
                  " issued_before = CASE WHEN old.issued_before IS NOT NULL"
                  " THEN greatest(old.issued_before, excluded.issued_before) END,"
                  " until = CASE WHEN old.until IS NOT NULL AND excluded.until IS NOT NULL"
                  " THEN greatest(old.until, excluded.until) END",
                  lengthof(types), types, values, SPI_OK_INSERT);
}

static bool revoke_by(const char *text)
{
    const pgsj_verification_policy *policy;
    const sjwt_token *token = verify(text, &policy);
    const Datum claims = claims_of(token);
    TimestampTz issued_before;
    TimestampTz until;
    bool has_end;
    int64 issued_at = 0;
    int64 expires_at = 0;
    bool is_new;

    /* The core has seen to it that both are there. */
    (void)sjwt_token_issued_at(token, &issued_at);
    (void)sjwt_token_expires_at(token, &expires_at);
    issued_before = next_second(issued_at);
    has_end = find_end(policy, token, issued_before, &until);
    connect_spi();
    is_new = keep_token(claims, next_second(sjwt_valid_until(expires_at, policy->leeway)));
    if (is_new)
        revoke_tokens(claims, issued_before, has_end ? &until : NULL);
    SPI_finish();
    return is_new;
}

Datum revoke_wrapper(PG_FUNCTION_ARGS)
{
    ErrorContextCallback callback;
    bool is_new;

    if (PG_ARGISNULL(0))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("logout token is NULL")));
    pgsj_hide_statement(&callback);
    is_new = revoke_by(text_to_cstring(PG_GETARG_TEXT_PP(0)));
    pgsj_show_statement(&callback);
    PG_RETURN_BOOL(is_new);
}
