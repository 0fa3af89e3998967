/* SPDX-License-Identifier: Apache-2.0 */
/*
 * empty_validator.c - a validator that lets each token in as the role that the client asks for,
 * and looks at nothing. It is what a login costs without any verification, for tests/bench, and
 * it shows that the client of the tests logs in. It is staged for tests and never installed.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/oauth.h"

PG_MODULE_MAGIC;

static bool validate(const ValidatorModuleState *state, const char *token, const char *role,
                     ValidatorModuleResult *result)
{
    (void)state;
    (void)token;
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
