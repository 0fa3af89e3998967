/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validator.c - the OAuth validator that the server asks at a login (oauth_validator_libraries).
 *
 * It is in this module and not in one of its own: the token that it verifies becomes the identity
 * of the session, under the same policy, with the same caches. Servers before 18 know no
 * validators, and the module exports none there.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "extension/errors.h"
#include "extension/login.h"
#include "extension/compat.h"

#ifdef PGSJ_OAUTH

#include "libpq/oauth.h"

PGDLLEXPORT const OAuthValidatorCallbacks *_PG_oauth_validator_module_init(void);

#ifdef PGSJ_OAUTH_HBA_OPTIONS
static void startup(ValidatorModuleState *state)
{
    static const char *options[] = {"login_claim", "login_role_claim", "login_roles"};

    RegisterOAuthHBAOptions(state, lengthof(options), options);
}

static void add_options(const ValidatorModuleState *state, pgsj_login_line *line)
{
    line->claim = GetOAuthHBAOption(state, "login_claim");
    line->role_claim = GetOAuthHBAOption(state, "login_role_claim");
    line->roles = GetOAuthHBAOption(state, "login_roles");
}
#endif

/* For the server's log. The client hears only what the server's OAuth says. */
static void log_refusal(ValidatorModuleResult *result, const pgsj_failure *failure)
{
#ifdef PGSJ_OAUTH_ERROR_DETAIL
    result->error_detail = pgsj_explain(failure);
#else
    (void)result;
    ereport(LOG, (errmsg("login with a token was refused"),
                  errdetail_internal("%s", pgsj_explain(failure)), errhidestmt(true),
                  errhidecontext(true)));
#endif
}

/* Returns true: whether the token is accepted is for result to say. */
static bool validate(const ValidatorModuleState *state, const char *token, const char *role,
                     ValidatorModuleResult *result)
{
    const HbaLine *hba = MyProcPort->hba;
    pgsj_login_line line = {.issuer = hba->oauth_issuer,
                            .scope = hba->oauth_scope,
                            .names_role = hba->oauth_skip_usermap,
                            .role = role};
    pgsj_failure failure;
    const char *name;

#ifdef PGSJ_OAUTH_HBA_OPTIONS
    add_options(state, &line);
#else
    (void)state;
#endif
    result->authorized = pgsj_login_accept(token, &line, &name, &failure);
    result->authn_id = unconstify(char *, name);
    if (!result->authorized)
        log_refusal(result, &failure);
    return true;
}

static const OAuthValidatorCallbacks callbacks = {
    .magic = PG_OAUTH_VALIDATOR_MAGIC,
#ifdef PGSJ_OAUTH_HBA_OPTIONS
    .startup_cb = startup,
#endif
    .validate_cb = validate,
};

const OAuthValidatorCallbacks *_PG_oauth_validator_module_init(void)
{
    return &callbacks;
}

#endif
