/*
 * session.c - who the user is, right now.
 *
 * Nothing here changes before everything that can fail is done: a refused
 * token leaves the session as it was.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "common/int.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "extension/errors.h"
#include "extension/memory.h"
#include "extension/parallel.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/trust.h"

/* So many identities are kept: a rollback brings an older token back. */
#define KEPT 4

/* Microseconds from the Unix epoch to the server's. */
#define SERVER_EPOCH ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Made of one token or one value of request.jwt.claims; one chunk of memory. */
typedef struct identity {
    uint64 last_used;
    bool of_token;     /* not of request.jwt.claims */
    uint64 generation; /* of the trust that it was accepted under */
    bool has_expires;
    bool has_issued;
    int64 expires; /* microseconds since the Unix epoch */
    int64 issued;
    TimestampTz usable_until;
    const char *algorithm;
    const char *backend;
    const char *key_id; /* UTF-8; NULL: none */
    bool handed_out;    /* rows may point into it */
    struct identity *next_retired;
    size_t source_len;
    const char *source; /* the token, or the claims, that it was made of */
    psj_claims claims;
} identity;

/* When no statement starts. */
#define NO_STATEMENT DT_NOBEGIN

psj_ready_claims psj_ready = {.statement = NO_STATEMENT};

static identity *kept[KEPT];
static identity *retired;       /* no longer kept, but rows may point into it */
static identity *current;       /* the one in force; NULL: to be found out */
static identity *last_accepted; /* its token may be set again; always kept */
static identity *nobody;
static int64 last_jti;
static bool inherited_accepted;
static uint64 ids;
static uint64 uses;

/* ---- keeping ----------------------------------------------------------- */

static void let_go(identity *who)
{
    if (!who->handed_out) {
        pfree(who);
        return;
    }
    who->next_retired = retired;
    retired = who;
}

static void keep(identity *who)
{
    int slot = -1;

    for (int i = 0; i < KEPT; i++) {
        if (kept[i] == NULL) {
            slot = i;
            break;
        }
        if (kept[i] != last_accepted && (slot < 0 || kept[i]->last_used < kept[slot]->last_used))
            slot = i;
    }
    if (kept[slot] != NULL)
        let_go(kept[slot]);
    kept[slot] = who;
    who->last_used = ++uses;
}

/*
 * A procedure that commits holds on to its CALL's arguments, and so must we:
 * only where nothing runs does a transaction's end leave no row behind.
 */
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
    case XACT_EVENT_PARALLEL_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
        return;
    }
    psj_ready.statement = NO_STATEMENT;
    psj_trust_look_again();
    if (ActivePortal != NULL || SPI_inside_nonatomic_context())
        return;
    while (retired != NULL) {
        identity *next = retired->next_retired;

        pfree(retired);
        retired = next;
    }
}

/* ---- making ------------------------------------------------------------ */

/* Of a token where that is not NULL. */
static identity *make_identity(const jwt_token *token, const char *source, size_t source_len,
                               const psj_claims *claims)
{
    const char *key_id = token == NULL ? NULL : jwt_token_key_id(token);
    const Size head = MAXALIGN(sizeof(identity));
    const Size middle = MAXALIGN(psj_claims_size(claims));
    const Size end = key_id == NULL ? 0 : strlen(key_id) + 1;
    char *chunk = MemoryContextAlloc(psj_memory, head + middle + source_len + end);
    identity *who = (identity *)chunk;

    memset(who, 0, sizeof(*who));
    who->usable_until = DT_NOEND;
    psj_claims_copy(&who->claims, claims, chunk + head);
    who->claims.id = ++ids;
    if (token != NULL) {
        who->algorithm = jwt_token_algorithm(token);
        who->backend = jwt_token_backend(token);
        who->has_expires = jwt_token_expires_at(token, &who->expires);
        who->has_issued = jwt_token_issued_at(token, &who->issued);
        if (key_id != NULL)
            who->key_id = memcpy(chunk + head + middle + source_len, key_id, strlen(key_id) + 1);
    }
    memcpy(chunk + head + middle, source, source_len);
    who->source = chunk + head + middle;
    who->source_len = source_len;
    return who;
}

/* In constant time but for the length: the source may be a token. */
static bool made_of(const identity *who, const char *source, size_t source_len)
{
    volatile unsigned char differences = 0;

    if (who->source_len != source_len)
        return false;
    for (size_t i = 0; i < source_len; i++)
        differences |= (unsigned char)(who->source[i] ^ source[i]);
    return differences == 0;
}

static identity *nobody_at_all(void)
{
    if (nobody == NULL) {
        psj_claims claims;

        (void)psj_claims_from_json("null", &claims);
        nobody = make_identity(NULL, "", 0, &claims);
        nobody->claims.nobody = true;
    }
    return nobody;
}

/* ---- audit ------------------------------------------------------------- */

static void audit_token(const psj_claims *claims)
{
    ereport(LOG, (errmsg("JWT issued for sub=%s and aud=%s was successfully validated",
                         psj_claims_render(claims, "sub"), psj_claims_render(claims, "aud")),
                  errhidestmt(true), errhidecontext(true)));
}

static void audit_claims(const psj_claims *claims)
{
    ereport(LOG, (errmsg("JWT claims from setting \"request.jwt.claims\": sub=%s and aud=%s",
                         psj_claims_render(claims, "sub"), psj_claims_render(claims, "aud")),
                  errhidestmt(true), errhidecontext(true)));
}

static void audit_read(const identity *who)
{
    if (who->of_token)
        audit_token(&who->claims);
    else if (who != nobody)
        audit_claims(&who->claims);
    else if (psj_trust_mode_in_force() == PSJ_TRUST_CLAIMS)
        ereport(LOG, (errmsg("no JWT claims found in setting \"request.jwt.claims\""),
                      errhidestmt(true), errhidecontext(true)));
}

/* ---- tokens ------------------------------------------------------------ */

static bool accepted_before(const psj_mark *mark)
{
    return mark->accepted_as != 0 || (mark->inherited && inherited_accepted);
}

/* exp and leeway as the last moment of the server's clock, held to its range. */
static TimestampTz usable_until(int64 expires, uint32 leeway)
{
    const int64 shift = (int64)leeway * USECS_PER_SEC - SERVER_EPOCH;
    int64 until;

    if (pg_add_s64_overflow(expires, shift, &until))
        return shift < 0 ? DT_NOBEGIN : DT_NOEND;
    return until;
}

static void accept_token(identity *who, bool has_jti, int64 jti)
{
    if (has_jti && jti >= last_jti) {
        last_jti = jti;
        last_accepted = who;
    }
    keep(who);
    psj_mark_in_force->accepted_as = who->claims.id;
    psj_parallel_publish(true, last_jti);
}

/*
 * A worker of a parallel query that finds a key file broken has no keys that it
 * read before, while its leader has, and has accepted this very token for this
 * statement. Then that is good enough.
 */
static const psj_trust leaders_word;

static bool has_leaders_word(void)
{
    return psj_mark_in_force->inherited && inherited_accepted && psj_trust_lacks_files();
}

/* In a context that the caller throws away. */
static identity *verify_token_in(MemoryContext scratch, const psj_trust *trust, TimestampTz now,
                                 psj_failure *failure)
{
    const size_t len = strlen(psj_jwt);
    const int64 floor = accepted_before(psj_mark_in_force) ? 0 : last_jti;
    const jwt_allocator allocator = psj_allocator(scratch);
    const jwt_policy policy = {.trusts = trust->trusts,
                               .trust_count = trust->trust_count,
                               .now = now + SERVER_EPOCH,
                               .leeway = trust->leeway,
                               .jti_after = trust->rising_jti ? &floor : NULL};
    jwt_token *token = NULL;
    jwt_status status;
    const char *payload;
    size_t payload_len;
    psj_claims claims;
    identity *who;
    int64 jti = 0;
    bool has_jti;

    if (trust == &leaders_word) {
        char *header;
        char *decoded;
        size_t header_len;

        status = jwt_decode_unverified(&allocator, psj_jwt, len, &header, &header_len, &decoded,
                                       &payload_len, &failure->jwt);
        payload = decoded;
    } else {
        status = jwt_verify(&allocator, psj_jwt, len, &policy, &token, &failure->jwt);
        payload = status == JWT_OK ? jwt_token_payload(token, &payload_len) : NULL;
    }
    if (status != JWT_OK) {
        failure->kind = PSJ_FAILURE_JWT;
        return NULL;
    }
    switch (psj_claims_from_payload(payload, payload_len, &claims)) {
    case PSJ_CLAIMS_OK:
        break;
    case PSJ_CLAIMS_NOT_JSON:
        failure->kind = PSJ_FAILURE_JWT;
        failure->jwt = (jwt_error){.status = JWT_PAYLOAD_JSON, .detail = "jsonb does not take it"};
        return NULL;
    case PSJ_CLAIMS_UNREPRESENTABLE:
        failure->kind = PSJ_FAILURE_ENCODING;
        return NULL;
    }
    if (psj_audit)
        audit_token(&claims);

    who = make_identity(token, psj_jwt, len, &claims);
    who->of_token = true;
    who->generation = trust->generation;
    if (who->has_expires)
        who->usable_until = usable_until(who->expires, trust->leeway);
    has_jti = trust->rising_jti && jwt_token_integer_id(token, &jti);
    accept_token(who, has_jti, jti);
    return who;
}

static identity *verify_token(const psj_trust *trust, TimestampTz now, psj_failure *failure)
{
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext scratch =
        AllocSetContextCreate(caller, "pg_session_jwt verification", ALLOCSET_DEFAULT_SIZES);
    identity *volatile who = NULL;

    PG_TRY();
    {
        MemoryContextSwitchTo(scratch);
        who = verify_token_in(scratch, trust, now, failure);
    }
    PG_FINALLY();
    {
        MemoryContextSwitchTo(caller);
        MemoryContextDelete(scratch);
    }
    PG_END_TRY();
    return who;
}

/* What the token in force was accepted as, if it was and that is still kept. */
static identity *find_token(const psj_trust *trust)
{
    psj_mark *mark = psj_mark_in_force;
    const size_t len = strlen(psj_jwt);

    for (int i = 0; i < KEPT; i++) {
        identity *who = kept[i];

        if (who == NULL || !who->of_token || who->generation != trust->generation)
            continue;
        if (who->claims.id == mark->accepted_as ||
            ((!trust->rising_jti || who == last_accepted) && made_of(who, psj_jwt, len))) {
            mark->accepted_as = who->claims.id;
            psj_parallel_publish(true, last_jti);
            return who;
        }
    }
    return NULL;
}

static int64 whole_seconds(int64 microseconds)
{
    const int64 seconds = microseconds / USECS_PER_SEC;

    return microseconds % USECS_PER_SEC < 0 ? seconds - 1 : seconds;
}

static identity *token_identity(TimestampTz now, psj_failure *failure)
{
    const psj_trust *trust = psj_trust_in_force(failure);
    identity *who = current;

    if (trust == NULL) {
        if (!has_leaders_word())
            return NULL;
        trust = &leaders_word;
    }
    if (who == NULL || who->generation != trust->generation)
        who = find_token(trust);
    if (who == NULL) {
        who = verify_token(trust, now, failure);
        if (who == NULL && has_leaders_word())
            who = verify_token(&leaders_word, now, failure);
        return who;
    }
    if (now > who->usable_until) {
        failure->kind = PSJ_FAILURE_JWT;
        failure->jwt = (jwt_error){
            .status = JWT_EXPIRED, .has_seconds = true, .seconds = whole_seconds(who->expires)};
        return NULL;
    }
    return who;
}

/* ---- claims ------------------------------------------------------------ */

static identity *make_claims_identity(const char *source, size_t len)
{
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext scratch =
        AllocSetContextCreate(caller, "pg_session_jwt claims", ALLOCSET_DEFAULT_SIZES);
    identity *volatile who = NULL;

    PG_TRY();
    {
        psj_claims claims;

        MemoryContextSwitchTo(scratch);
        if (psj_claims_from_json(source, &claims) == PSJ_CLAIMS_OK) {
            who = make_identity(NULL, source, len, &claims);
            keep(who);
        } else
            who = nobody_at_all();
    }
    PG_FINALLY();
    {
        MemoryContextSwitchTo(caller);
        MemoryContextDelete(scratch);
    }
    PG_END_TRY();
    return who;
}

static identity *claims_identity(void)
{
    const size_t len = strlen(psj_claims_setting);

    for (int i = 0; i < KEPT; i++)
        if (kept[i] != NULL && !kept[i]->of_token && made_of(kept[i], psj_claims_setting, len))
            return kept[i];
    return make_claims_identity(psj_claims_setting, len);
}

/* ---- who --------------------------------------------------------------- */

static identity *find_identity(TimestampTz now, psj_failure *failure)
{
    ErrorContextCallback callback;
    identity *who;

    psj_hide_statement(&callback);
    if (!psj_trust_permits(failure))
        who = NULL;
    else if (psj_trust_verifies())
        who = psj_mark_in_force == NULL ? nobody_at_all() : token_identity(now, failure);
    else if (psj_trust_mode_in_force() == PSJ_TRUST_NONE || psj_claims_setting == NULL ||
             psj_claims_setting[0] == '\0')
        who = nobody_at_all();
    else
        who = current != NULL ? current : claims_identity();
    psj_show_statement(&callback);

    if (who == NULL)
        return NULL;
    who->last_used = ++uses;
    if (who != current) {
        psj_session_changed();
        current = who;
    }
    return who;
}

/*
 * The statement's start, which parallel workers share. A background worker need
 * not say when it begins a statement: there it is the time of day, asked at the
 * first read in a transaction.
 */
static TimestampTz clock_time(void)
{
    if (MyBackendType == B_BG_WORKER && !IsParallelWorker())
        return GetCurrentTimestamp();
    return GetCurrentStatementStartTimestamp();
}

const psj_claims *psj_session_resolve(void)
{
    psj_failure failure;
    identity *who = find_identity(clock_time(), &failure);

    if (who == NULL)
        psj_raise(&failure);
    who->handed_out = true;
    if (psj_audit)
        audit_read(who);
    else
        psj_ready = (psj_ready_claims){.statement = GetCurrentStatementStartTimestamp(),
                                       .claims = &who->claims};
    return &who->claims;
}

void psj_session_describe(psj_session_state *state)
{
    identity *who;

    *state = (psj_session_state){0};
    who = find_identity(clock_time(), &state->failure);
    if (who == NULL)
        return;
    who->handed_out = true;
    state->claims = &who->claims;
    state->algorithm = who->algorithm;
    state->backend = who->backend;
    state->key_id = who->key_id;
    state->has_issued_at = who->has_issued;
    state->has_expires_at = who->has_expires;
    state->issued_at = who->issued;
    state->expires_at = who->expires;
}

void psj_session_check_key(void)
{
    psj_failure failure;

    if (psj_trust_in_force(&failure) == NULL)
        psj_raise(&failure);
}

void psj_session_verify(void)
{
    psj_failure failure = {.kind = PSJ_FAILURE_MISSING_KEY};

    if (psj_mark_in_force == NULL)
        return;
    if (!psj_trust_verifies() || find_identity(clock_time(), &failure) == NULL)
        psj_raise(&failure);
}

void psj_session_accept(void)
{
    const bool pinned = psj_trust_mode_in_force() == PSJ_TRUST_ISSUER;
    psj_failure failure;

    if (psj_mark_in_force == NULL || !psj_trust_verifies())
        return;
    /* Pinned keys may have changed since it was accepted. */
    if (pinned)
        psj_parallel_publish(find_identity(clock_time(), &failure) != NULL, last_jti);
    else if (psj_mark_in_force->accepted_as == 0)
        (void)find_identity(clock_time(), &failure);
}

void psj_session_changed(void)
{
    current = NULL;
    psj_ready.statement = NO_STATEMENT;
}

void psj_session_token_changed(void)
{
    psj_session_changed();
    psj_parallel_publish(psj_mark_in_force != NULL && accepted_before(psj_mark_in_force), last_jti);
}

void psj_session_inherit(bool accepted, int64 jti)
{
    inherited_accepted = accepted;
    last_jti = jti;
}

void psj_session_install(void)
{
    RegisterXactCallback(at_transaction_end, NULL);
}
