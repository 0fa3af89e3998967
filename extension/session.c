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
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/trust.h"

/* So many identities are kept: a rollback brings an older token back. */
#define KEPT 4

/* Microseconds from the Unix epoch to the server's. */
#define SERVER_EPOCH ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Made of one token or one value of request.jwt.claims; one chunk of memory, but
 * for the whole claims where they are made later. */
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
    size_t payload_len;
    const char *payload; /* where the whole claims are not made yet */
    char *whole;         /* the chunk that they were then made in */
    pgsj_claims claims;
} identity;

/* When no statement starts. */
#define NO_STATEMENT DT_NOBEGIN

/* The identity last handed out, and the statement_timestamp() it was found good for;
 * no statement's where it is to be found again. */
typedef struct ready_claims {
    TimestampTz statement;
    const pgsj_claims *claims;
} ready_claims;

static ready_claims ready = {.statement = NO_STATEMENT};

/* Set only while runs is above 0, when statement_timestamp() stands still. */
const pgsj_claims *pgsj_running_claims;
static int runs;

static identity *kept[KEPT];
static identity *retired;       /* no longer kept, but rows may point into it */
static identity *current;       /* the one in force; NULL: to be found out */
static identity *last_accepted; /* its token may be set again; always kept */
static identity *nobody;
static int64 last_jti;
static bool inherited_accepted;
static uint64 ids;
static uint64 uses;

static void forget_ready(void)
{
    ready.statement = NO_STATEMENT;
    pgsj_running_claims = NULL;
}

/* ---- keeping ----------------------------------------------------------- */

static void free_identity(identity *who)
{
    if (who->whole != NULL)
        pfree(who->whole);
    pfree(who);
}

static void let_go(identity *who)
{
    if (!who->handed_out) {
        free_identity(who);
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
    forget_ready();
    pgsj_trust_look_again();
    if (ActivePortal != NULL || SPI_inside_nonatomic_context())
        return;
    while (retired != NULL) {
        identity *next = retired->next_retired;

        free_identity(retired);
        retired = next;
    }
}

/* ---- making ------------------------------------------------------------ */

/* What an identity is made of; token is NULL where it is not of a verified one. */
typedef struct material {
    const char *source;
    size_t source_len;
    const sjwt_token *token;
    pgsj_claims claims;
} material;

static char *append(char **room, const char *text, size_t len)
{
    char *copy = memcpy(*room, text, len);

    copy[len] = '\0';
    *room += len + 1;
    return copy;
}

static identity *make_identity(const material *of)
{
    const sjwt_token *token = of->token;
    const char *key_id = token == NULL ? NULL : sjwt_token_key_id(token);
    const char *payload = NULL;
    size_t payload_len = 0;
    const Size head = MAXALIGN(sizeof(identity));
    const Size middle = MAXALIGN(pgsj_claims_size(&of->claims));
    Size size = head + middle + of->source_len + 1;
    identity *who;
    char *room;

    if (of->claims.whole == NULL)
        payload = sjwt_token_payload(token, &payload_len);
    if (payload != NULL)
        size += payload_len + 1;
    if (key_id != NULL)
        size += strlen(key_id) + 1;
    who = MemoryContextAlloc(pgsj_memory, size);
    room = (char *)who + head;

    memset(who, 0, sizeof(*who));
    who->usable_until = DT_NOEND;
    pgsj_claims_copy(&who->claims, &of->claims, room);
    who->claims.id = ++ids;
    room += middle;
    who->source = append(&room, of->source, of->source_len);
    who->source_len = of->source_len;
    if (payload != NULL) {
        who->payload = append(&room, payload, payload_len);
        who->payload_len = payload_len;
    }
    if (key_id != NULL)
        who->key_id = append(&room, key_id, strlen(key_id));
    if (token != NULL) {
        who->algorithm = sjwt_token_algorithm(token);
        who->backend = sjwt_token_backend(token);
        who->has_expires = sjwt_token_expires_at(token, &who->expires);
        who->has_issued = sjwt_token_issued_at(token, &who->issued);
    }
    return who;
}

/*
 * make() in a context of its own, current and deleted afterwards: whatever it
 * leaves there, and also where it raises.
 */
static void make_in_scratch(void (*make)(void *argument), void *argument)
{
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext scratch =
        AllocSetContextCreate(caller, "pg_session_jwt scratch", ALLOCSET_DEFAULT_SIZES);

    PG_TRY();
    {
        MemoryContextSwitchTo(scratch);
        make(argument);
    }
    PG_FINALLY();
    {
        MemoryContextSwitchTo(caller);
        MemoryContextDelete(scratch);
    }
    PG_END_TRY();
}

/* In constant time but for the length: the source may be a token. */
static bool made_of(const identity *who, const char *source, size_t source_len)
{
    volatile uint64 differences = 0;
    size_t i = 0;
    uint64 ours;
    uint64 theirs;

    if (who->source_len != source_len)
        return false;
    for (; source_len - i >= sizeof(ours); i += sizeof(ours)) {
        memcpy(&ours, who->source + i, sizeof(ours));
        memcpy(&theirs, source + i, sizeof(theirs));
        differences |= ours ^ theirs;
    }
    for (; i < source_len; i++)
        differences |= (unsigned char)(who->source[i] ^ source[i]);
    return differences == 0;
}

static identity *nobody_at_all(void)
{
    if (nobody == NULL) {
        material of = {.source = ""};
        pgsj_failure failure;

        if (!pgsj_claims_from_json("null", &of.claims, &failure))
            pgsj_raise(&failure);
        nobody = make_identity(&of);
        nobody->claims.nobody = true;
    }
    return nobody;
}

/* ---- audit ------------------------------------------------------------- */

static void audit_token(const pgsj_whole_claims *claims)
{
    ereport(LOG, (errmsg("JWT issued for sub=%s and aud=%s was successfully validated",
                         pgsj_claims_render(claims, "sub"), pgsj_claims_render(claims, "aud")),
                  errhidestmt(true), errhidecontext(true)));
}

static void audit_claims(const pgsj_whole_claims *claims)
{
    ereport(LOG, (errmsg("JWT claims from setting \"request.jwt.claims\": sub=%s and aud=%s",
                         pgsj_claims_render(claims, "sub"), pgsj_claims_render(claims, "aud")),
                  errhidestmt(true), errhidecontext(true)));
}

static void audit_read(const identity *who)
{
    if (who->of_token)
        audit_token(pgsj_session_whole_of(&who->claims));
    else if (who != nobody)
        audit_claims(pgsj_session_whole_of(&who->claims));
    else if (pgsj_trust_mode_in_force() == PGSJ_TRUST_CLAIMS)
        ereport(LOG, (errmsg("no JWT claims found in setting \"request.jwt.claims\""),
                      errhidestmt(true), errhidecontext(true)));
}

/* ---- tokens ------------------------------------------------------------ */

static bool accepted_before(const pgsj_token_extra *extra)
{
    return extra->identity_id != 0 || (extra->from_leader && inherited_accepted);
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
    pgsj_settings.current_token_extra->identity_id = who->claims.id;
    pgsj_settings_publish(true, last_jti);
}

/*
 * A worker of a parallel query that finds a key file broken has no keys that it
 * read before, while its leader has, and has accepted this very token for this
 * statement. Then that is good enough.
 */
static const pgsj_verification_policy leaders_word;

static bool has_leaders_word(void)
{
    return pgsj_settings.current_token_extra->from_leader && inherited_accepted &&
           pgsj_trust_lacks_files();
}

typedef struct verification {
    const pgsj_verification_policy *trust;
    TimestampTz now;
    pgsj_failure *failure;
    identity *made; /* NULL: see failure */
} verification;

static bool take_leaders_word(material *out, pgsj_failure *failure)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    char *header;
    char *payload;
    size_t header_len;
    size_t payload_len;

    if (sjwt_decode_unverified(&allocator, out->source, out->source_len, &header, &header_len,
                               &payload, &payload_len, &failure->jwt) != SJWT_OK) {
        failure->kind = PGSJ_FAILURE_JWT;
        return false;
    }
    return pgsj_claims_from_payload(payload, payload_len, &out->claims, failure);
}

static bool check(const verification *v, material *out)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    const int64 floor = accepted_before(pgsj_settings.current_token_extra) ? 0 : last_jti;
    const sjwt_policy policy = {.issuers = v->trust->issuers,
                                .issuer_count = v->trust->issuer_count,
                                .now = v->now + SERVER_EPOCH,
                                .leeway = v->trust->leeway,
                                .last_jti = v->trust->require_increasing_jti ? &floor : NULL};
    sjwt_token **token = pgsj_token_of(CurrentMemoryContext);
    const char *payload;
    size_t payload_len;

    if (sjwt_verify(&allocator, out->source, out->source_len, &policy, token, &v->failure->jwt) !=
        SJWT_OK) {
        v->failure->kind = PGSJ_FAILURE_JWT;
        pgsj_trust_explain(v->trust, v->failure);
        return false;
    }
    out->token = *token;
    if (!pgsj_settings.audit)
        return pgsj_claims_from_token(*token, &out->claims, v->failure);
    payload = sjwt_token_payload(*token, &payload_len);
    return pgsj_claims_from_payload(payload, payload_len, &out->claims, v->failure);
}

static void verify_in_scratch(void *argument)
{
    verification *v = argument;
    material made = {.source = pgsj_settings.jwt, .source_len = strlen(pgsj_settings.jwt)};
    int64 jti = 0;
    bool has_jti;
    identity *who;

    if (v->trust == &leaders_word ? !take_leaders_word(&made, v->failure) : !check(v, &made))
        return;
    if (pgsj_settings.audit)
        audit_token(made.claims.whole);
    who = make_identity(&made);
    who->of_token = true;
    who->generation = v->trust->generation;
    if (who->has_expires)
        who->usable_until = usable_until(who->expires, v->trust->leeway);
    has_jti = v->trust->require_increasing_jti && sjwt_token_integer_id(made.token, &jti);
    accept_token(who, has_jti, jti);
    v->made = who;
}

static identity *verify_token(const pgsj_verification_policy *trust, TimestampTz now,
                              pgsj_failure *failure)
{
    verification v = {.trust = trust, .now = now, .failure = failure};

    make_in_scratch(verify_in_scratch, &v);
    return v.made;
}

/* What the token in force was accepted as, if it was and that is still kept. */
static identity *find_token(const pgsj_verification_policy *trust)
{
    pgsj_token_extra *extra = pgsj_settings.current_token_extra;
    const size_t len = strlen(pgsj_settings.jwt);

    for (int i = 0; i < KEPT; i++) {
        identity *who = kept[i];

        if (who == NULL || !who->of_token || who->generation != trust->generation)
            continue;
        if (who->claims.id == extra->identity_id ||
            ((!trust->require_increasing_jti || who == last_accepted) &&
             made_of(who, pgsj_settings.jwt, len))) {
            extra->identity_id = who->claims.id;
            pgsj_settings_publish(true, last_jti);
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

static identity *token_identity(TimestampTz now, pgsj_failure *failure)
{
    const pgsj_verification_policy *trust = pgsj_trust_in_force(failure);
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
        failure->kind = PGSJ_FAILURE_JWT;
        failure->jwt = (sjwt_error){
            .status = SJWT_EXPIRED, .has_seconds = true, .seconds = whole_seconds(who->expires)};
        return NULL;
    }
    return who;
}

/* ---- claims ------------------------------------------------------------ */

typedef struct reading {
    const char *json;
    identity *made;
} reading;

static void read_in_scratch(void *argument)
{
    reading *r = argument;
    material made = {.source = r->json, .source_len = strlen(r->json)};
    pgsj_failure failure;

    if (!pgsj_claims_from_json(made.source, &made.claims, &failure)) {
        r->made = nobody_at_all();
        return;
    }
    r->made = make_identity(&made);
    keep(r->made);
}

static identity *claims_identity(void)
{
    const size_t len = strlen(pgsj_settings.claims);
    reading r = {.json = pgsj_settings.claims};

    for (int i = 0; i < KEPT; i++)
        if (kept[i] != NULL && !kept[i]->of_token && made_of(kept[i], pgsj_settings.claims, len))
            return kept[i];
    make_in_scratch(read_in_scratch, &r);
    return r.made;
}

/* ---- who --------------------------------------------------------------- */

static identity *find_identity(TimestampTz now, pgsj_failure *failure)
{
    ErrorContextCallback callback;
    identity *who;

    pgsj_hide_statement(&callback);
    if (!pgsj_trust_permits(failure))
        who = NULL;
    else if (pgsj_trust_verifies())
        who = pgsj_settings.current_token_extra == NULL ? nobody_at_all()
                                                        : token_identity(now, failure);
    else if (pgsj_trust_mode_in_force() == PGSJ_TRUST_NONE || pgsj_settings.claims == NULL ||
             pgsj_settings.claims[0] == '\0')
        who = nobody_at_all();
    else
        who = current != NULL ? current : claims_identity();
    pgsj_show_statement(&callback);

    if (who == NULL)
        return NULL;
    who->last_used = ++uses;
    if (who != current) {
        pgsj_session_changed();
        current = who;
    }
    return who;
}

/*
 * When the client's message came, which all that it runs and parallel workers
 * share. A background worker need not say when it begins a statement: there it is
 * the time of day, asked at the first read in a transaction.
 */
static TimestampTz clock_time(void)
{
    if (MyBackendType == B_BG_WORKER && !IsParallelWorker())
        return GetCurrentTimestamp();
    return GetCurrentStatementStartTimestamp();
}

const pgsj_claims *pgsj_session_resolve(void)
{
    const TimestampTz statement = GetCurrentStatementStartTimestamp();
    pgsj_failure failure;
    identity *who;

    if (statement != ready.statement) {
        who = find_identity(clock_time(), &failure);
        if (who == NULL)
            pgsj_raise(&failure);
        who->handed_out = true;
        if (pgsj_settings.audit) {
            audit_read(who);
            return &who->claims;
        }
        ready = (ready_claims){.statement = statement, .claims = &who->claims};
    }
    if (runs > 0)
        pgsj_running_claims = ready.claims;
    return ready.claims;
}

void pgsj_session_begin_run(void)
{
    runs++;
}

void pgsj_session_end_run(void)
{
    if (--runs == 0)
        pgsj_running_claims = NULL;
}

/* ---- the whole of the claims ------------------------------------------- */

typedef struct whole_of {
    identity *who;
    pgsj_failure failure;
} whole_of;

static void make_whole_in_scratch(void *argument)
{
    whole_of *of = argument;
    identity *who = of->who;
    pgsj_whole_claims whole;

    if (!pgsj_whole_claims_from_payload(who->payload, who->payload_len, &whole, &of->failure))
        return;
    who->whole = MemoryContextAlloc(pgsj_memory, pgsj_whole_claims_size(&whole));
    who->claims.whole = pgsj_whole_claims_copy(&whole, who->whole);
}

const pgsj_whole_claims *pgsj_session_make_whole(const pgsj_claims *claims)
{
    whole_of of = {.who = (identity *)((char *)unconstify(pgsj_claims *, claims) -
                                       offsetof(identity, claims))};
    ErrorContextCallback callback;

    pgsj_hide_statement(&callback);
    make_in_scratch(make_whole_in_scratch, &of);
    pgsj_show_statement(&callback);
    if (claims->whole == NULL)
        pgsj_raise(&of.failure);
    return claims->whole;
}

/* ---- for SQL ----------------------------------------------------------- */

void pgsj_session_describe(pgsj_session_state *state)
{
    identity *who;

    *state = (pgsj_session_state){0};
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

void pgsj_session_check_key(void)
{
    pgsj_failure failure;

    if (pgsj_trust_in_force(&failure) == NULL)
        pgsj_raise(&failure);
}

void pgsj_session_verify(void)
{
    pgsj_failure failure = {.kind = PGSJ_FAILURE_MISSING_KEY};

    if (pgsj_settings.current_token_extra == NULL)
        return;
    if (!pgsj_trust_verifies() || find_identity(clock_time(), &failure) == NULL)
        pgsj_raise(&failure);
}

void pgsj_session_accept(void)
{
    const bool pinned = pgsj_trust_mode_in_force() == PGSJ_TRUST_ISSUER;
    pgsj_failure failure;

    if (pgsj_settings.current_token_extra == NULL || !pgsj_trust_verifies())
        return;
    /* Pinned keys may have changed since it was accepted. */
    if (pinned)
        pgsj_settings_publish(find_identity(clock_time(), &failure) != NULL, last_jti);
    else if (pgsj_settings.current_token_extra->identity_id == 0)
        (void)find_identity(clock_time(), &failure);
}

void pgsj_session_changed(void)
{
    current = NULL;
    forget_ready();
}

void pgsj_session_token_changed(void)
{
    pgsj_session_changed();
    pgsj_settings_publish(pgsj_settings.current_token_extra != NULL &&
                              accepted_before(pgsj_settings.current_token_extra),
                          last_jti);
}

void pgsj_session_inherit(bool accepted, int64 jti)
{
    inherited_accepted = accepted;
    last_jti = jti;
}

void pgsj_session_install(void)
{
    RegisterXactCallback(at_transaction_end, NULL);
}
