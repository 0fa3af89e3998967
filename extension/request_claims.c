/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_claims.c - from request.jwt.claims to an identity.
 */
#include "postgres.h"

#include "extension/identity_cache.h"
#include "extension/memory.h"
#include "extension/request_claims.h"
#include "extension/setting_checks.h"
#include "extension/settings.h"

typedef struct claims_request {
    const pgsj_identity_key *key;
    pgsj_identity *identity;
} claims_request;

static void make_identity(void *argument)
{
    claims_request *request = argument;
    pgsj_identity_input input = {.key = *request->key};
    pgsj_failure failure;

    if (!pgsj_claims_from_json(input.key.source, &input.claims, &failure)) {
        request->identity = pgsj_anonymous_identity();
        return;
    }
    request->identity = pgsj_identity_create(&input);
    pgsj_identity_cache_insert(request->identity);
}

pgsj_identity *pgsj_request_claims_identity(pgsj_identity *current)
{
    const char *json = pgsj_settings.claims;
    pgsj_identity_key key = {.origin = PGSJ_ORIGIN_CLAIMS, .source = json};
    claims_request request = {.key = &key};

    if (json == NULL || json[0] == '\0')
        return pgsj_anonymous_identity();
    if (current != NULL)
        return current;
    key.source_len = strlen(json);
    if (key.source_len > PGSJ_MAX_CLAIMS_SIZE)
        return pgsj_anonymous_identity();
    request.identity = pgsj_identity_cache_find(&key);
    if (request.identity == NULL)
        pgsj_with_temp_context(make_identity, &request);
    return request.identity;
}
