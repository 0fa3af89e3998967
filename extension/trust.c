/*
 * trust.c - whose word counts for who the user is.
 */
#include "postgres.h"

#include "extension/memory.h"
#include "extension/settings.h"
#include "extension/trust.h"

/* Seconds that clocks may differ, for exp and nbf. */
#define LEEWAY 60

static uint64 generation = 1;
static jwt_keyset *session_key;
static jwt_trust session_key_trust;
static psj_trust trust;

psj_trust_mode psj_trust_mode_in_force(void)
{
    /* An empty key is a key that verifies nothing, not the lack of one. */
    return psj_jwk != NULL ? PSJ_TRUST_SESSION_KEY : PSJ_TRUST_CLAIMS;
}

const psj_trust *psj_trust_in_force(psj_failure *failure)
{
    jwt_allocator allocator;

    if (session_key != NULL)
        return &trust;

    if (psj_jwk == NULL) {
        failure->kind = PSJ_FAILURE_MISSING_KEY;
        return NULL;
    }
    allocator = psj_allocator(psj_memory);
    if (jwt_keyset_parse_public_jwk(&allocator, psj_jwk, strlen(psj_jwk), &session_key,
                                    &failure->jwt) != JWT_OK) {
        failure->kind = PSJ_FAILURE_JWT;
        return NULL;
    }
    session_key_trust = (jwt_trust){
        .keys = session_key, .algorithms = jwt_keyset_algorithms(session_key), .agreed_key = true};
    trust = (psj_trust){.generation = generation,
                        .trusts = &session_key_trust,
                        .trust_count = 1,
                        .leeway = LEEWAY,
                        .rising_jti = true};
    return &trust;
}

void psj_trust_changed(void)
{
    jwt_keyset_free(session_key);
    session_key = NULL;
    generation++;
}
