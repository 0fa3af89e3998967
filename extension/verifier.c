/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier.c - from the session's token to an identity.
 *
 * Everything that can fail comes first: a refused token changes nothing here.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "extension/audit.h"
#include "extension/identity_cache.h"
#include "extension/memory.h"
#include "extension/revocation.h"
#include "extension/settings.h"
#include "extension/shared_cache.h"
#include "extension/statistics.h"
#include "extension/subject.h"
#include "extension/trust.h"
#include "extension/verifier.h"

static struct {
    int64 last_jti;               /* of the tokens accepted with a session key; 0: none */
    pgsj_identity *last_accepted; /* of the token with last_jti, pinned; NULL: none */
    pgsj_leader_state leader;     /* in a parallel worker: of the token that came from it */
} verifier;

/* Does this process verify the signature? */
typedef enum signature_check {
    VERIFY_SIGNATURE,
    TRUST_LEADER_VERDICT /* no: the leader of this parallel worker did, for this statement */
} signature_check;

/* ---- parallel workers -------------------------------------------------- */

void pgsj_verifier_publish(bool accepted)
{
    const pgsj_leader_state state = {.accepted = accepted, .last_jti = verifier.last_jti};

    pgsj_settings_publish(&state);
}

void pgsj_verifier_publish_verdict(const pgsj_identity *identity)
{
    pgsj_leader_state state = {.accepted = identity != NULL, .last_jti = verifier.last_jti};

    if (identity != NULL) {
        state.statement = GetCurrentStatementStartTimestamp();
        state.subjects = identity->subjects;
    }
    pgsj_settings_publish(&state);
}

void pgsj_verifier_receive_leader_state(const pgsj_leader_state *received)
{
    verifier.leader = *received;
    verifier.last_jti = received->last_jti;
}

static bool leader_accepted(const pgsj_session_token *token)
{
    return token->from_leader && verifier.leader.accepted;
}

/*
 * A running statement goes on with the keys that it began with: these are in the memory of the
 * leader, and the files may have others by now. The leader accepted the same token for the same
 * statement before its workers started.
 */
static bool has_leader_verdict(const pgsj_session_token *token)
{
    return leader_accepted(token) && verifier.leader.statement != 0 &&
           verifier.leader.statement == GetCurrentStatementStartTimestamp();
}

bool pgsj_verifier_accepted_before(const pgsj_session_token *token)
{
    return token->identity_id != 0 || leader_accepted(token);
}

/* ---- verification ------------------------------------------------------ */

typedef struct verification {
    pgsj_session_token *token;
    signature_check check;
    const pgsj_verification_policy *policy; /* NULL with TRUST_LEADER_VERDICT */
    pgsj_identity_key key;
    int64 now;
    pgsj_failure *failure;
    uint64 revocation_checked;
    pgsj_identity *identity; /* NULL: see failure */
} verification;

/* The key under which the token is remembered. */
static pgsj_identity_key token_key(const pgsj_session_token *token, signature_check check,
                                   const pgsj_verification_policy *policy)
{
    pgsj_identity_key key = {
        .origin = PGSJ_ORIGIN_LEADER_VERDICT, .source = token->text, .source_len = token->len};

    if (check == VERIFY_SIGNATURE) {
        key.origin = PGSJ_ORIGIN_TOKEN;
        key.policy = policy->digest;
    }
    return key;
}

static bool decode_token(const verification *v, pgsj_identity_input *out)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    char *header;
    char *payload;
    size_t header_len;
    size_t payload_len;

    if (sjwt_decode_unverified(&allocator, out->key.source, out->key.source_len, &header,
                               &header_len, &payload, &payload_len, &v->failure->jwt) != SJWT_OK) {
        v->failure->kind = PGSJ_FAILURE_JWT;
        return false;
    }
    out->subjects = (sjwt_subjects)verifier.leader.subjects;
    return pgsj_claims_from_payload(payload, payload_len, &out->claims, v->failure);
}

/* What is verified, and against what. */
typedef struct verification_input {
    const char *text;
    size_t len;
    const pgsj_verification_policy *policy;
    int64 now;
} verification_input;

/*
 * Spares the signature where a session of the cluster accepted the same token under an equal
 * policy: the digest stands for issuers, keys and algorithms. Tokens of a session key are of use
 * on one connection only.
 */
static sjwt_status verify_once(const verification_input *input, const sjwt_policy *policy,
                               sjwt_token **token, sjwt_error *error)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    const bool is_shared = !input->policy->require_increasing_jti;
    int64 expires_at;
    pgsj_shared_key key = {0};
    sjwt_status status;

    if (is_shared)
        key = pgsj_shared_cache_key(&input->policy->digest, input->text, input->len);
    if (pgsj_shared_cache_find(&key, input->now))
        return sjwt_verify_with(SJWT_SIGNATURE_ALREADY_VERIFIED, &allocator, input->text,
                                input->len, policy, token, error);
    status = sjwt_verify(&allocator, input->text, input->len, policy, token, error);
    if (status != SJWT_OK)
        return status;
    pgsj_count(PGSJ_COUNT_VERIFIED);
    if (!sjwt_token_expires_at(*token, &expires_at))
        expires_at = PG_INT64_MAX;
    pgsj_shared_cache_insert(&key, input->now, sjwt_valid_until(expires_at, policy->leeway));
    return SJWT_OK;
}

/* Returns NULL and sets *failure where the token is refused. The current memory context owns the
 * token. */
static const sjwt_token *verify(const verification_input *input, int64 last_jti,
                                uint64 *revocation_checked, pgsj_failure *failure)
{
    const sjwt_policy policy = {.issuers = input->policy->issuers,
                                .issuer_count = input->policy->issuer_count,
                                .now = input->now,
                                .leeway = input->policy->leeway,
                                .last_jti =
                                    input->policy->require_increasing_jti ? &last_jti : NULL};
    sjwt_token **token = pgsj_owned_token(CurrentMemoryContext);

    if (verify_once(input, &policy, token, &failure->jwt) != SJWT_OK) {
        failure->kind = PGSJ_FAILURE_JWT;
        pgsj_trust_add_key_detail(input->policy, failure);
        return NULL;
    }
    if (!pgsj_revocation_check(input->text, input->now, revocation_checked, failure))
        return NULL;
    return *token;
}

const sjwt_token *pgsj_verifier_verify(const char *text, int64 now, sjwt_subjects *subjects,
                                       pgsj_failure *failure)
{
    const pgsj_verification_policy *policy = pgsj_trust_policy(failure);
    const verification_input input = {
        .text = text, .len = strlen(text), .policy = policy, .now = now};
    uint64 revocation_checked = 0;
    const sjwt_token *token;

    if (policy == NULL)
        return NULL;
    token = verify(&input, 0, &revocation_checked, failure);
    if (token != NULL)
        *subjects = policy->issuers[sjwt_token_issuer_index(token)].subjects;
    return token;
}

static bool verify_against_policy(verification *v, pgsj_identity_input *out)
{
    /* A value that was accepted before stays accepted when it comes back. */
    const int64 last_jti = pgsj_verifier_accepted_before(v->token) ? 0 : verifier.last_jti;
    const verification_input input = {
        .text = out->key.source, .len = out->key.source_len, .policy = v->policy, .now = v->now};
    const char *payload;
    size_t payload_len;

    out->token = verify(&input, last_jti, &v->revocation_checked, v->failure);
    if (out->token == NULL)
        return false;
    out->subjects = v->policy->issuers[sjwt_token_issuer_index(out->token)].subjects;
    if (!pgsj_settings.audit)
        return pgsj_claims_from_token(out->token, &out->claims, v->failure);
    payload = sjwt_token_payload(out->token, &payload_len);
    return pgsj_claims_from_payload(payload, payload_len, &out->claims, v->failure);
}

/* Of two tokens with the same jti, the one accepted later can be set again. */
static void remember_jti(pgsj_identity *identity, int64 jti)
{
    if (jti < verifier.last_jti)
        return;
    if (verifier.last_accepted != NULL)
        pgsj_identity_unpin(verifier.last_accepted);
    verifier.last_jti = jti;
    verifier.last_accepted = identity;
    pgsj_identity_pin(identity);
}

/* The token is that of the identity. Never fails. */
static void accept_as(pgsj_session_token *token, const pgsj_identity *identity)
{
    token->identity_id = identity->id;
    pgsj_verifier_publish(true);
}

static void make_identity(void *argument)
{
    verification *v = argument;
    pgsj_identity_input input = {.key = v->key};
    pgsj_identity *identity;
    int64 jti;

    if (v->check == VERIFY_SIGNATURE ? !verify_against_policy(v, &input) : !decode_token(v, &input))
        return;
    if (!pgsj_name_subject(&input.claims, input.subjects, v->failure))
        return;
    if (pgsj_settings.audit)
        pgsj_audit_token(input.claims.jsonb);
    identity = pgsj_identity_create(&input);
    identity->revocation_checked = v->revocation_checked;

    /* From here on nothing fails. */
    if (v->check == VERIFY_SIGNATURE && v->policy->require_increasing_jti &&
        sjwt_token_integer_id(input.token, &jti))
        remember_jti(identity, jti);
    pgsj_identity_cache_insert(identity);
    accept_as(v->token, identity);
    v->identity = identity;
}

/* ---- remembered identities --------------------------------------------- */

/* Was the identity made from a token by the same check, under the same policy? */
static bool is_under(const pgsj_identity *identity, const pgsj_identity_key *key)
{
    return identity->key.origin == key->origin &&
           pgsj_digest_equals(&identity->key.policy, &key->policy);
}

/*
 * The remembered identity of an equal token. With a session key, a value that this session did
 * not accept before is a new token unless it is the one accepted last: its jti must increase.
 */
static pgsj_identity *find_equal(const pgsj_session_token *token, pgsj_identity_key *key,
                                 bool require_increasing_jti)
{
    pgsj_identity *last = verifier.last_accepted;

    if (!require_increasing_jti || pgsj_verifier_accepted_before(token))
        return pgsj_identity_cache_find(key);
    return last != NULL && pgsj_identity_has_key(last, key) ? last : NULL;
}

static pgsj_identity *find_remembered(pgsj_session_token *token, pgsj_identity_key *key,
                                      bool require_increasing_jti)
{
    pgsj_identity *identity = find_equal(token, key, require_increasing_jti);

    if (identity != NULL) {
        pgsj_count(PGSJ_COUNT_SESSION_HITS);
        accept_as(token, identity);
    }
    return identity;
}

static int64 floor_seconds(int64 microseconds)
{
    const int64 seconds = microseconds / USECS_PER_SEC;

    return microseconds % USECS_PER_SEC < 0 ? seconds - 1 : seconds;
}

static bool fail_time(pgsj_failure *failure, sjwt_status status, int64 time)
{
    failure->kind = PGSJ_FAILURE_JWT;
    failure->jwt =
        (sjwt_error){.status = status, .has_seconds = true, .seconds = floor_seconds(time)};
    return false;
}

/* The times are compared at each use, because the leeway may change, and the clock. */
static bool check_times(const pgsj_identity *identity, const pgsj_verification_policy *policy,
                        int64 now, pgsj_failure *failure)
{
    if (identity->has_not_before && now + policy->leeway * USECS_PER_SEC < identity->not_before)
        return fail_time(failure, SJWT_NOT_YET_VALID, identity->not_before);
    if (identity->has_expires_at && now > sjwt_valid_until(identity->expires_at, policy->leeway))
        return fail_time(failure, SJWT_EXPIRED, identity->expires_at);
    return true;
}

/* The identity by one of the two checks; policy is NULL with TRUST_LEADER_VERDICT. */
static pgsj_identity *identity_by(pgsj_session_token *token, signature_check check,
                                  const pgsj_verification_policy *policy, pgsj_identity *current,
                                  int64 now, pgsj_failure *failure)
{
    verification v = {.token = token,
                      .check = check,
                      .policy = policy,
                      .key = token_key(token, check, policy),
                      .now = now,
                      .failure = failure};
    pgsj_identity *identity = current;

    if (identity == NULL || !is_under(identity, &v.key))
        identity = find_remembered(token, &v.key,
                                   check == VERIFY_SIGNATURE && policy->require_increasing_jti);
    if (identity == NULL) {
        pgsj_with_temp_context(make_identity, &v);
        return v.identity;
    }
    /* A leader's verdict includes the token's times, and that it is not revoked. */
    if (check == VERIFY_SIGNATURE &&
        (!check_times(identity, policy, now, failure) ||
         !pgsj_revocation_check(v.key.source, now, &identity->revocation_checked, failure)))
        return NULL;
    return identity;
}

pgsj_identity *pgsj_verifier_identity(pgsj_session_token *token, pgsj_identity *current, int64 now,
                                      pgsj_failure *failure)
{
    const pgsj_verification_policy *policy;

    if (has_leader_verdict(token))
        return identity_by(token, TRUST_LEADER_VERDICT, NULL, current, now, failure);
    policy = pgsj_trust_policy(failure);
    if (policy == NULL)
        return NULL;
    return identity_by(token, VERIFY_SIGNATURE, policy, current, now, failure);
}
