/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_validator.c - a validator that does nothing but one bare verification of the token's
 * signature with the library of this build, in the new process of the session. The key is the file
 * bench.jwk in the data directory. Staged for ./dev bench login, and never installed.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/oauth.h"

#include "bare.h"

PG_MODULE_MAGIC;

static bool validate(const ValidatorModuleState *state, const char *token, const char *role,
                     ValidatorModuleResult *result)
{
    char jwk[4096];
    FILE *file = fopen("bench.jwk", "r");
    size_t len;

    (void)state;
    if (file == NULL)
        return false;
    len = fread(jwk, 1, sizeof(jwk) - 1, file);
    jwk[len] = '\0';
    fclose(file);

    const bench_key key = bench_key_parse(jwk);
    const bench_library *library = bench_library_of(&key);
    const bench_bare bare = bench_bare_of(library, library->import(&key), token);

    bench_bare_verify(&bare);
    result->authorized = true;
    result->authn_id = pstrdup(role);
    return true;
}

static const OAuthValidatorCallbacks callbacks = {
    .magic = PG_OAUTH_VALIDATOR_MAGIC,
    .validate_cb = validate,
};

const OAuthValidatorCallbacks *_PG_oauth_validator_module_init(void)
{
    return &callbacks;
}
