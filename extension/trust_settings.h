/*
 * trust_settings.h - the settings by which an administrator pins whose tokens
 * count. No ordinary role can set them, or keep one from being in force.
 *
 * Strings: NULL or "" is unset. Lists are separated by commas.
 */
#ifndef PGSJ_TRUST_SETTINGS_H
#define PGSJ_TRUST_SETTINGS_H

#include "postgres.h"

/* Where the keys are: one of the three puts the session into issuer mode. */
extern char *pgsj_jwks;
extern char *pgsj_jwks_file;
extern char *pgsj_issuers_file;
/* What else a token must have. */
extern char *pgsj_issuer;
extern char *pgsj_audience;
extern char *pgsj_algorithms;
extern char *pgsj_required_claims;
extern char *pgsj_token_types;
extern int pgsj_leeway; /* seconds; with a session key as well */
/* Does request.jwt.claims count where there is no key? */
extern bool pgsj_claims_fallback;

/*
 * Where the connection began with a value of one of these settings, or of
 * pg_session_jwt.jwk, that the server refused when the library was loaded,
 * pgsj_jwks is this and the name of that setting: the value that an administrator
 * gave may have been hidden by it, and so nothing may be believed. As a setting's
 * value it reaches parallel workers too.
 */
#define PGSJ_REFUSED "refused: "

/* Once, from pgsj_settings_define(); flags are added to those of each. refused is
 * the name of another setting with a value like that, or NULL. */
void pgsj_trust_settings_define(int flags, const char *refused);
/* Takes these flags away again. */
void pgsj_trust_settings_unflag(int flags);

/* For an assign hook of a string: is value another than the one in force, which
 * the setting's variable still has? */
bool pgsj_is_another(const char *value, const char *in_force);

#endif
