/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - the identity of the session.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "extension/advice.h"
#include "extension/audit.h"
#include "extension/clock.h"
#include "extension/memory.h"
#include "extension/request_claims.h"
#include "extension/revocation.h"
#include "extension/seal.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/statistics.h"
#include "extension/trust.h"
#include "extension/verifier.h"

/* Not the statement_timestamp() of any statement. */
#define NO_STATEMENT DT_NOBEGIN

/* The identity that was returned last, and the statement_timestamp() that it was validated for;
 * NO_STATEMENT: it must be validated again. */
typedef struct statement_cache {
    TimestampTz statement;
    const pgsj_identity *identity;
} statement_cache;

static struct {
    pgsj_identity *current; /* pinned; NULL: not known since a setting changed */
    statement_cache statement_cache;
    int executor_nesting_level;
    /* The statement_timestamp() of the statement that may still hold pointers into retired
     * identities although a transaction ended; else NO_STATEMENT. */
    TimestampTz not_freed;
} session = {.statement_cache = {.statement = NO_STATEMENT}, .not_freed = NO_STATEMENT};

/* Set only inside of a run of the executor, where statement_timestamp() does not change. */
const pgsj_identity *pgsj_executor_identity;

static void invalidate_statement_cache(void)
{
    session.statement_cache.statement = NO_STATEMENT;
    pgsj_executor_identity = NULL;
}

static void set_current(pgsj_identity *identity)
{
    pgsj_identity *former = session.current;

    invalidate_statement_cache();
    if (identity != NULL)
        pgsj_identity_pin(identity);
    session.current = identity;
    if (former != NULL)
        pgsj_identity_unpin(former);
    pgsj_report_identity(pgsj_trust_current_mode(), identity);
}

static void free_retired(void)
{
    pgsj_free_retired_identities();
    session.not_freed = NO_STATEMENT;
}

/* Has that statement ended? A background worker need not set the time of a statement. */
static bool can_free_retired(void)
{
    return session.not_freed != NO_STATEMENT && MyBackendType == B_BACKEND &&
           GetCurrentStatementStartTimestamp() != session.not_freed;
}

/* ---- which identity ---------------------------------------------------- */

/* NULL: there is no token. */
static pgsj_session_token *session_token(void)
{
    return pgsj_seal_is_on() ? pgsj_seal_token() : pgsj_settings_token();
}

/*
 * Microseconds since the Unix epoch: the time when the client's message arrived, which is the
 * same for everything that the message runs and for parallel workers. A background worker need
 * not set that time at the start of a statement; there it is the time of day, asked at the first
 * read in a transaction.
 */
static int64 validation_time(void)
{
    if (MyBackendType == B_BG_WORKER && !IsParallelWorker())
        return pgsj_unix_time(GetCurrentTimestamp());
    return pgsj_unix_time(GetCurrentStatementStartTimestamp());
}

/* The session has another token. */
static void session_token_changed(void)
{
    const pgsj_session_token *token;

    pgsj_session_changed();
    /* It starts no workers, and may not have its leader's token yet. */
    if (IsParallelWorker())
        return;
    token = session_token();
    pgsj_verifier_publish(token != NULL && pgsj_verifier_accepted_before(token));
}

/* Claims are no sealed identity: only a token is. */
static pgsj_identity *choose_sealed_identity(pgsj_session_token *token, pgsj_failure *failure)
{
    if (token == NULL)
        return pgsj_anonymous_identity();
    /* Where no token is verified, there is no policy: failure says why. */
    if (!pgsj_trust_verifies() && pgsj_trust_policy(failure) == NULL)
        return NULL;
    return pgsj_verifier_identity(token, session.current, validation_time(), failure);
}

static pgsj_identity *choose_identity(pgsj_session_token *token, pgsj_failure *failure)
{
    if (pgsj_seal_was_attacked(failure) || !pgsj_trust_check_conflict(failure))
        return NULL;
    if (pgsj_seal_is_on())
        return choose_sealed_identity(token, failure);
    switch (pgsj_trust_current_mode()) {
    case PGSJ_TRUST_NONE:
        return pgsj_anonymous_identity();
    case PGSJ_TRUST_CLAIMS:
        return pgsj_request_claims_identity(session.current);
    case PGSJ_TRUST_SESSION_KEY:
    case PGSJ_TRUST_ISSUER:
        if (token == NULL)
            return pgsj_anonymous_identity();
        return pgsj_verifier_identity(token, session.current, validation_time(), failure);
    }
    pg_unreachable();
}

/* The identity of the token, where the mode asks for one; NULL: see *failure. */
static pgsj_identity *find_identity_of(pgsj_session_token *token, pgsj_failure *failure)
{
    ErrorContextCallback callback;
    pgsj_identity *identity;

    if (unlikely(can_free_retired()))
        free_retired();
    pgsj_hide_statement(&callback);
    identity = choose_identity(token, failure);
    pgsj_show_statement(&callback);

    if (identity == NULL)
        pgsj_count_failure(failure);
    else if (identity != session.current)
        set_current(identity);
    return identity;
}

static pgsj_identity *find_identity(pgsj_failure *failure)
{
    return find_identity_of(session_token(), failure);
}

const pgsj_identity *pgsj_session_find(pgsj_failure *failure)
{
    pgsj_identity *identity = find_identity(failure);

    if (identity != NULL)
        identity->referenced = true;
    return identity;
}

/* Why a token or claims that are set are not the identity, or that neither is set. */
static const char *reason_for_anonymous(void)
{
    const bool has_token = session_token() != NULL;
    const bool has_claims = pgsj_settings.claims != NULL && pgsj_settings.claims[0] != '\0';
    const char *advice;
    pgsj_failure no_key;

    if (pgsj_seal_is_on())
        return pgsj_settings_sealed();
    switch (pgsj_trust_current_mode()) {
    case PGSJ_TRUST_NONE:
        return "pg_session_jwt.mode is none: no identity is accepted";
    case PGSJ_TRUST_CLAIMS:
        if (has_token && pgsj_trust_mode_is_pinned())
            return "pg_session_jwt.mode is claims: no token is accepted";
        if (has_token) {
            (void)pgsj_trust_set_missing_key(&no_key);
            return pgsj_explain_with_advice(&no_key);
        }
        if (has_claims)
            return "request.jwt.claims is too large, or not JSON in the encoding of the database";
        if (pgsj_trust_mode_is_pinned())
            return "request.jwt.claims is not set";
        advice = pgsj_advice_for_keys();
        return psprintf("no keys are pinned in this session, and neither a token nor "
                        "request.jwt.claims is set%s%s",
                        advice == NULL ? "" : ". Hint: ", advice == NULL ? "" : advice);
    case PGSJ_TRUST_SESSION_KEY:
    case PGSJ_TRUST_ISSUER:
        return has_claims ? "no token is set; this mode does not use request.jwt.claims"
                          : "no token is set";
    }
    pg_unreachable();
}

/* Why the claims of a gateway have no subject; NULL: they have one. */
static const char *reason_for_no_subject(const pgsj_claims *claims)
{
    if (!JB_ROOT_IS_OBJECT(DatumGetJsonbP(claims->jsonb->session.value)))
        return "request.jwt.claims is not an object";
    if (claims->user_id.isnull)
        return "request.jwt.claims has no claim \"sub\" that is a string";
    return NULL;
}

bool pgsj_session_lacks_identity(const pgsj_identity *identity, const char **reason)
{
    *reason = NULL;
    switch (identity->key.origin) {
    case PGSJ_ORIGIN_NONE:
        *reason = reason_for_anonymous();
        return true;
    case PGSJ_ORIGIN_CLAIMS:
        *reason = reason_for_no_subject(&identity->claims);
        return *reason != NULL;
    case PGSJ_ORIGIN_TOKEN:
    case PGSJ_ORIGIN_LEADER_VERDICT:
        return false;
    }
    pg_unreachable();
}

/* A client that hides the administrator's value with its own one, which the server refuses, is
 * not free of it. */
static bool requires_identity(void)
{
    return pgsj_settings.require_identity ||
           (pgsj_settings.refused_setting != NULL &&
            strcmp(pgsj_settings.refused_setting, pgsj_setting_names.require_identity) == 0);
}

static void require_identity(const pgsj_identity *identity)
{
    pgsj_failure failure;
    const char *reason;

    if (!pgsj_session_lacks_identity(identity, &reason))
        return;
    (void)pgsj_set_failure(&failure, PGSJ_FAILURE_NO_IDENTITY, "%s", reason);
    pgsj_count_failure(&failure);
    pgsj_raise(&failure);
}

const pgsj_identity *pgsj_session_resolve(void)
{
    const TimestampTz statement = GetCurrentStatementStartTimestamp();
    statement_cache *cache = &session.statement_cache;

    Assert(pgsj_executor_identity == NULL);
    if (statement != cache->statement) {
        pgsj_failure failure;
        const pgsj_identity *identity = pgsj_session_find(&failure);

        if (identity == NULL)
            pgsj_raise_with_advice(&failure);
        if (requires_identity())
            require_identity(identity);
        if (pgsj_settings.audit) {
            /* Each call is logged: none may be answered from a cache. */
            pgsj_audit_read(identity);
            return identity;
        }
        *cache = (statement_cache){.statement = statement, .identity = identity};
    }
    Assert(cache->identity == session.current && cache->identity->referenced);
    if (session.executor_nesting_level > 0)
        pgsj_executor_identity = cache->identity;
    return cache->identity;
}

/* ---- runs of the executor ---------------------------------------------- */

void pgsj_session_begin_run(void)
{
    Assert(session.executor_nesting_level >= 0);
    session.executor_nesting_level++;
}

void pgsj_session_end_run(void)
{
    Assert(session.executor_nesting_level > 0);
    if (--session.executor_nesting_level == 0)
        pgsj_executor_identity = NULL;
}

bool pgsj_session_at_top_level(void)
{
    /* This changes nothing: no relation has that name. Of all SPI functions it is the one that
     * only tells whether SPI is in use. */
    return session.executor_nesting_level <= 1 &&
           SPI_unregister_relation("") == SPI_ERROR_UNCONNECTED;
}

/* ---- tokens ------------------------------------------------------------ */

void pgsj_session_check_key(void)
{
    pgsj_failure failure;

    if (pgsj_trust_policy(&failure) == NULL)
        pgsj_raise_with_advice(&failure);
}

void pgsj_session_verify(void)
{
    pgsj_failure failure;

    if (session_token() == NULL)
        return;
    /* Where no token is verified, there is no policy: failure says why. */
    if (!pgsj_trust_verifies()) {
        if (pgsj_trust_policy(&failure) == NULL)
            pgsj_raise_with_advice(&failure);
        return;
    }
    if (find_identity(&failure) == NULL &&
        (!pgsj_trust_wait_for_key(&failure) || find_identity(&failure) == NULL))
        pgsj_raise_with_advice(&failure);
}

bool pgsj_session_accept(void)
{
    const pgsj_identity *identity;
    pgsj_failure failure;

    if (session_token() == NULL || !pgsj_trust_verifies())
        return true;
    identity = find_identity(&failure);
    pgsj_verifier_publish_verdict(identity);
    return identity != NULL && !identity->claims.subject_invalid;
}

const char *pgsj_session_token_text(void)
{
    const pgsj_session_token *token = session_token();

    return token == NULL ? NULL : token->text;
}

char *pgsj_session_begin_workers(void)
{
    return pgsj_settings_begin_workers(session_token());
}

/* Raises where a read of the identity of this token would. */
static void verify_to_seal(pgsj_session_token *token)
{
    pgsj_failure failure;
    const pgsj_identity *identity = NULL;

    if (pgsj_trust_verifies() || pgsj_trust_policy(&failure) != NULL)
        identity = find_identity_of(token, &failure);
    if (identity == NULL)
        pgsj_raise_with_advice(&failure);
    if (identity->claims.subject_invalid)
        pgsj_raise_invalid_subject();
}

static pgsj_session_token *make_token(const char *text, size_t len)
{
    return pgsj_session_token_init(MemoryContextAlloc(pgsj_memory, PGSJ_SESSION_TOKEN_SIZE(len)),
                                   text, len);
}

void pgsj_session_seal_transaction(const char *text)
{
    pgsj_session_token *token;

    pgsj_seal_refuse_change();
    token = make_token(text, strlen(text));
    pgsj_session_changed();
    PG_TRY();
    {
        verify_to_seal(token);
    }
    PG_CATCH();
    {
        pfree(token);
        session_token_changed();
        PG_RE_THROW();
    }
    PG_END_TRY();
    pgsj_seal_transaction(token);
    pgsj_report_identity(pgsj_trust_current_mode(), session.current);
}

void pgsj_session_seal(const pgsj_secret *secret)
{
    pgsj_session_token *current;
    pgsj_session_token *token;

    pgsj_seal_refuse_change();
    current = session_token();
    if (current == NULL)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("no token to seal"),
                 errhint("Call auth.jwt_session_init() before it.")));
    verify_to_seal(current);
    token = make_token(current->text, current->len);
    token->identity_id = current->identity_id;
    token->from_login = current->from_login;
    PG_TRY();
    {
        pgsj_seal_session(token, secret);
    }
    PG_CATCH();
    {
        pfree(token);
        PG_RE_THROW();
    }
    PG_END_TRY();
}

void pgsj_session_unseal(const pgsj_secret *secret)
{
    pgsj_seal_end(secret);
    session_token_changed();
}

void pgsj_session_log_in(const char *text)
{
    pgsj_session_token *token = make_token(text, strlen(text));

    PG_TRY();
    {
        pgsj_settings_log_in(token);
    }
    PG_CATCH();
    {
        pfree(token);
        PG_RE_THROW();
    }
    PG_END_TRY();
    session_token_changed();
}

bool pgsj_session_is_login(void)
{
    const pgsj_session_token *token = session_token();

    return token != NULL && token->from_login;
}

/* ---- events ------------------------------------------------------------ */

void pgsj_session_changed(void)
{
    set_current(NULL);
}

void pgsj_session_token_changed(void)
{
    if (!pgsj_seal_is_on()) {
        session_token_changed();
        return;
    }
    pgsj_seal_setting_assigned();
    pgsj_session_changed();
}

static void at_subtransaction_end(SubXactEvent event, SubTransactionId subtransaction,
                                  SubTransactionId parent, void *arg)
{
    (void)arg;
    if (pgsj_seal_end_subtransaction(event, subtransaction, parent))
        session_token_changed();
}

static void at_transaction_end(XactEvent event, void *arg)
{
    (void)arg;
    switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PARALLEL_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PARALLEL_ABORT:
    case XACT_EVENT_PREPARE:
        break;
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
        pgsj_seal_raise_attack();
        return;
    case XACT_EVENT_PARALLEL_PRE_COMMIT:
        return;
    }
    if (pgsj_seal_end_transaction())
        session_token_changed();
    invalidate_statement_cache();
    pgsj_trust_transaction_ended();
    pgsj_revocation_transaction_ended();
    /* A procedure that commits still holds the arguments of its CALL, which may point into an
     * identity. Only when no query and no procedure is running does no row remain. A procedure that
     * fails looks as if it was still running. */
    if (ActivePortal == NULL && !SPI_inside_nonatomic_context())
        free_retired();
    else
        session.not_freed = GetCurrentStatementStartTimestamp();
}

void pgsj_session_install(void)
{
    RegisterXactCallback(at_transaction_end, NULL);
    RegisterSubXactCallback(at_subtransaction_end, NULL);
}
