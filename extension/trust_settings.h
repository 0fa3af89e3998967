/*
 * trust_settings.h - the settings by which an administrator pins whose tokens
 * count. No ordinary role can set them, or keep one from being in force.
 *
 * Strings: NULL or "" is unset. Lists are separated by commas.
 */
#ifndef PSJ_TRUST_SETTINGS_H
#define PSJ_TRUST_SETTINGS_H

#include "postgres.h"

/* Where the keys are: one of the three puts the session into issuer mode. */
extern char *psj_jwks;
extern char *psj_jwks_file;
extern char *psj_issuers_file;
/* What else a token must have. */
extern char *psj_issuer;
extern char *psj_audience;
extern char *psj_algorithms;
extern char *psj_required_claims;
extern char *psj_token_types;
extern int psj_leeway; /* seconds; with a session key as well */
/* Does request.jwt.claims count where there is no key? */
extern bool psj_claims_fallback;

/*
 * Where the connection began with a value of one of these settings, or of
 * pg_session_jwt.jwk, that the server refused when the library was loaded,
 * psj_jwks is this and the name of that setting: the value that an administrator
 * gave may have been hidden by it, and so nothing may be believed. As a setting's
 * value it reaches parallel workers too.
 */
#define PSJ_REFUSED "refused: "

/* Once, from psj_settings_define(); flags are added to those of each. refused is
 * the name of another setting with a value like that, or NULL. */
void psj_trust_settings_define(int flags, const char *refused);
/* Takes these flags away again. */
void psj_trust_settings_unflag(int flags);

/* For an assign hook of a string: is value another than the one in force, which
 * the setting's variable still has? */
bool psj_is_another(const char *value, const char *in_force);

#endif
