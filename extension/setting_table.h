/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_table.h - every setting of the extension, one row each.
 *
 * A row gives settings.h a member of pgsj_settings and of pgsj_setting_names, and
 * settings.c the definition and the hooks. The flags, checks and events are those of
 * settings.c, the only file that needs these columns.
 *
 *   member   in pgsj_settings and pgsj_setting_names
 *   name     as SET and SHOW have it
 *   boot     the value where none is set; INTEGER: also the least and the greatest;
 *            ENUM: also the names of the values
 *   context  who may set it, as the server says it
 *   flags    the server's flags
 *   check    STRING and INTEGER: is the value acceptable?
 *   event    what a new value changes
 *   brief    the server's short description
 *   more     the server's long description, or NULL
 *
 * Settings are defined in this order. request.jwt.claims is the first: its name is the
 * only one that another library may have taken, and that ERROR must leave nothing behind.
 */
#ifndef PGSJ_SETTING_TABLE_H
#define PGSJ_SETTING_TABLE_H

#define PGSJ_SETTINGS(STRING, INTEGER, BOOLEAN, ENUM)                                              \
    STRING(claims, "request.jwt.claims", NULL, PGC_USERSET, GUC_NOT_WHILE_SEC_REST,                \
           pgsj_check_claims, claims_event,                                                        \
           "The claims that a trusted gateway hands over, as JSON.",                               \
           "They are the identity where no key is configured.")                                    \
    /* NULL: not set; "" is set, and unusable. */                                                  \
    STRING(jwk, "pg_session_jwt.jwk", NULL, PGC_BACKEND, PINNING, accept_value, trust_event,       \
           "The public key that verifies this session's tokens, as a JWK.",                        \
           "Settable in the configuration file and when connecting.")                              \
    STRING(jwt, "pg_session_jwt.jwt", NULL, PGC_USERSET, GUC_NOT_WHILE_SEC_REST, check_token,      \
           token_event, "The session's JSON Web Token.", "It is verified when it is first read.")  \
    STRING(audit_log, "pg_session_jwt.audit_log", NULL, PGC_SUSET, GUC_NOT_WHILE_SEC_REST,         \
           accept_value, audit_event, "Logs each verification and each read of the identity.",     \
           "Only \"on\" turns it on.")                                                             \
    INTEGER(cache_size, "pg_session_jwt.cache_size", 1024, 0, 1024 * 1024, PGC_SUSET, GUC_UNIT_KB, \
            pgsj_check_cache_size, no_event,                                                       \
            "The memory in which a session remembers verified tokens.", "0: it remembers none.")   \
    BOOLEAN(shared_cache, "pg_session_jwt.shared_cache", true, PGC_SUSET, 0, no_event,             \
            "Uses the table of verified tokens that all sessions share.", NULL)                    \
    INTEGER(shared_cache_size, "pg_session_jwt.shared_cache_size", 16 * 1024, 0, 16 * 1024 * 1024, \
            PGC_SIGHUP, GUC_UNIT_KB, pgsj_check_cache_size, no_event,                              \
            "The size of the table of verified tokens that all sessions share.",                   \
            "0: there is none. A new value takes effect when the server starts.")                  \
    /* The administrator's: no ordinary role can set these, or hide their values. */               \
    ENUM(mode, "pg_session_jwt.mode", PGSJ_MODE_AUTO, mode_names, PGC_SUSET, PINNING, trust_event, \
         "Where the identity comes from.",                                                         \
         "auto: keys and claims that are there decide. Any other value: only that one.")           \
    STRING(jwks, "pg_session_jwt.jwks", "", PGC_SUSET, PINNING | GUC_SUPERUSER_ONLY,               \
           pgsj_check_key_set, trust_event,                                                        \
           "The keys of the issuer of tokens, as a JWK or a JWK Set.",                             \
           "Empty: none are pinned here.")                                                         \
    STRING(jwks_file, "pg_session_jwt.jwks_file", "", PGC_SUSET, PINNING, accept_value,            \
           trust_event, "The file with the keys of the issuer of tokens.",                         \
           "The path is relative to the data directory.")                                          \
    STRING(jwks_files, "pg_session_jwt.jwks_files", "", PGC_SUSET, PINNING | GUC_LIST_INPUT,       \
           pgsj_check_files, trust_event, "More files with keys of the issuer of tokens.",         \
           "The paths are relative to the data directory.")                                        \
    STRING(issuers_file, "pg_session_jwt.issuers_file", "", PGC_SUSET, PINNING, accept_value,      \
           trust_event, "The file with several issuers of tokens, each with its keys.",            \
           "The path is relative to the data directory.")                                          \
    STRING(issuer, "pg_session_jwt.issuer", "", PGC_SUSET, PINNING, accept_value, trust_event,     \
           "The claim \"iss\" that a token must have, octet by octet.",                            \
           "Empty: it is not checked.")                                                            \
    STRING(audience, "pg_session_jwt.audience", "", PGC_SUSET, PINNING | GUC_LIST_INPUT,           \
           pgsj_check_list, trust_event, "The audiences of which a token must be for one.",        \
           "Empty: the claim \"aud\" is not checked.")                                             \
    STRING(algorithms, "pg_session_jwt.algorithms", "", PGC_SUSET, PINNING | GUC_LIST_INPUT,       \
           pgsj_check_algorithms, trust_event, "The signature algorithms that are accepted.",      \
           "Empty: all that the keys are for, but those with a shared secret.")                    \
    STRING(revoked_file, "pg_session_jwt.revoked_file", "", PGC_SUSET, PINNING, accept_value,      \
           trust_event, "The file with the revoked tokens.",                                       \
           "The path is relative to the data directory. Empty: there is none.")                    \
    INTEGER(leeway, "pg_session_jwt.leeway", 60, 0, 3600, PGC_SUSET, PINNING | GUC_UNIT_S,         \
            accept_integer, trust_event,                                                           \
            "By how much clocks may differ, for \"exp\" and \"nbf\".", NULL)                       \
    STRING(required_claims, "pg_session_jwt.required_claims", "exp", PGC_SUSET,                    \
           PINNING | GUC_LIST_INPUT, pgsj_check_list, trust_event,                                 \
           "The claims that a token must have.", NULL)                                             \
    STRING(claim_values, "pg_session_jwt.claims", "", PGC_SUSET, PINNING, pgsj_check_claim_values, \
           trust_event, "The values that claims of a token must have, as a JSON object.",          \
           "Empty: none are checked.")                                                             \
    INTEGER(max_lifetime, "pg_session_jwt.max_lifetime", 0, 0, INT_MAX, PGC_SUSET,                 \
            PINNING | GUC_UNIT_S, accept_integer, trust_event,                                     \
            "The longest time for which a token may be valid.", "0: any time.")                    \
    STRING(token_types, "pg_session_jwt.token_types", "", PGC_SUSET, PINNING | GUC_LIST_INPUT,     \
           pgsj_check_list, trust_event,                                                           \
           "The types of token (\"typ\" in the header) that are accepted.",                        \
           "Empty: any, or none.")                                                                 \
    BOOLEAN(require_identity, "pg_session_jwt.require_identity", false, PGC_SUSET, PINNING,        \
            trust_event, "Raises an error where the identity is read and there is none.", NULL)    \
    BOOLEAN(seal, "pg_session_jwt.seal", false, PGC_SUSET, PINNING, trust_event,                   \
            "Seals the identity that auth.jwt_authenticate() sets until the transaction ends.",    \
            NULL)                                                                                  \
    /* Of logins with a token: for the whole server. */                                            \
    ENUM(login, "pg_session_jwt.login", PGSJ_LOGIN_ANY, login_names, PGC_SIGHUP, 0, trust_event,   \
         "Whether only the token of the login is the identity.",                                   \
         "any: another token may take its place. only: none may.")                                 \
    STRING(login_claim, "pg_session_jwt.login_claim", "sub", PGC_SIGHUP, 0, accept_value,          \
           no_event, "The claim that names who logs in.", NULL)                                    \
    STRING(login_role_claim, "pg_session_jwt.login_role_claim", "", PGC_SIGHUP, 0, accept_value,   \
           no_event, "The claim with the roles that a token may log in as.",                       \
           "It is asked where pg_hba.conf has delegate_ident_mapping=1.")                          \
    STRING(login_roles, "pg_session_jwt.login_roles", "", PGC_SIGHUP, GUC_LIST_INPUT,              \
           pgsj_check_list, no_event, "The roles that the claim of a token may name.",             \
           "Empty: all but superusers.")                                                           \
    ENUM(login_expiry, "pg_session_jwt.login_expiry", PGSJ_LOGIN_REFUSE, login_expiry_names,       \
         PGC_SIGHUP, 0, no_event, "What the end of the login's token means for the session.",      \
         "refuse: reads of the identity fail. disconnect: the session ends.")                      \
    STRING(jwks_url, "pg_session_jwt.jwks_url", "", PGC_SUSET, PINNING, accept_value, trust_event, \
           "The URL of the keys of the issuer of tokens.",                                         \
           "The server fetches them if its configuration names the same URL.")                     \
    BOOLEAN(discovery, "pg_session_jwt.discovery", false, PGC_SUSET, PINNING, trust_event,         \
            "Takes the keys from where the metadata of pg_session_jwt.issuer tell.",               \
            "The server fetches them if its configuration names the same issuer.")                 \
    INTEGER(stale_grace, "pg_session_jwt.stale_grace", 86400, -1, INT_MAX, PGC_SUSET,              \
            PINNING | GUC_UNIT_S, accept_integer, trust_event,                                     \
            "For how long fetched keys count after the last fetch that succeeded.",                \
            "-1: for ever.")                                                                       \
    INTEGER(unknown_kid_wait, "pg_session_jwt.unknown_kid_wait", 0, 0, 5000, PGC_SUSET,            \
            GUC_UNIT_MS, accept_integer, no_event,                                                 \
            "How long auth.jwt_session_init() waits for a key that is being fetched.", NULL)       \
    /* Of the worker that fetches: for the whole server. */                                        \
    BOOLEAN(fetch, "pg_session_jwt.fetch", true, PGC_SIGHUP, 0, trust_event,                       \
            "Fetches the keys that the configuration names by issuer or URL.", NULL)               \
    INTEGER(unknown_kid_interval, "pg_session_jwt.unknown_kid_interval", 30, 0, 3600, PGC_SIGHUP,  \
            GUC_UNIT_S, accept_integer, no_event,                                                  \
            "The least time between two fetches of an issuer's keys for an unknown key.", NULL)    \
    STRING(fetch_allow, "pg_session_jwt.fetch_allow", "", PGC_SIGHUP, GUC_LIST_INPUT,              \
           pgsj_check_list, no_event, "What a fetch may do that is otherwise refused.",            \
           "A list of: private, http, redirects, proxy.")                                          \
    STRING(fetch_ca_file, "pg_session_jwt.fetch_ca_file", "", PGC_SIGHUP, 0, accept_value,         \
           no_event, "The certificates to trust instead of the system's when keys are fetched.",   \
           "The path is relative to the data directory.")                                          \
    /* pgsj_settings_publish() overwrites it in place. */                                          \
    STRING(parallel_state, "pg_session_jwt.parallel_state", PARALLEL_STATE_NONE, PGC_SUSET,        \
           INTERNAL, check_parallel_state, parallel_state_event,                                   \
           "What the leader passes to its parallel workers.", "Internal; cannot be set.")

#endif
