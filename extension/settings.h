/*
 * settings.h - every GUC of the extension.
 *
 * Strings: NULL or "" is unset unless it says otherwise. Lists are separated by
 * commas.
 */
#ifndef PGSJ_SETTINGS_H
#define PGSJ_SETTINGS_H

#include "postgres.h"

/*
 * Belongs to one value of pg_session_jwt.jwt and follows it, as the GUC's "extra",
 * through SET LOCAL, savepoints and rollbacks: a token that was accepted once is
 * known as accepted when its value comes back.
 */
typedef struct pgsj_token_extra {
    uint64 identity_id; /* of the identity that the token was accepted as; 0: not accepted yet */
    bool from_leader;   /* a parallel worker got the value from its leader */
} pgsj_token_extra;

/* The current value of each setting. Only settings.c writes to it. */
typedef struct pgsj_setting_values {
    char *jwk;    /* the session's key. NULL: not set; "" is set, and unusable */
    char *jwt;    /* the token */
    char *claims; /* request.jwt.claims */
    bool audit;   /* audit_log is "on" */

    /* Settings of the administrator: no ordinary role can set them, or keep one
     * from being in force. One of the first three puts the session into issuer mode. */
    char *jwks;
    char *jwks_file;
    char *issuers_file;
    char *issuer;
    char *audience;
    char *algorithms;
    char *required_claims;
    char *token_types;
    int leeway; /* seconds; also used with a session key */
    bool claims_fallback;

    /* For parallel workers; pgsj_settings_publish() overwrites it in place. NULL
     * until the settings are defined. */
    char *parallel_state;
    /* Of the value of jwt; NULL where there is no token. Never keep the pointer: the
     * server frees it with the value. */
    pgsj_token_extra *current_token_extra;
} pgsj_setting_values;

extern pgsj_setting_values pgsj_settings;

/*
 * What settings.c calls when the value of a setting changes; none may fail.
 * token_changed: current_token_extra is the new token's already. claims_changed and
 * audit_changed: of request.jwt.claims and audit_log. trust_changed: of any setting
 * that decides which tokens are accepted; called before the value changes.
 * leader_state_received: in a starting parallel worker; what the leader handed to
 * pgsj_settings_publish() last.
 */
typedef struct pgsj_settings_listener {
    void (*token_changed)(void);
    void (*claims_changed)(void);
    void (*trust_changed)(void);
    void (*audit_changed)(void);
    void (*leader_state_received)(bool accepted, int64 last_jti);
} pgsj_settings_listener;

/*
 * Where the connection began with a value of a setting of the administrator, or of
 * pg_session_jwt.jwk, that the server refused when the library was loaded,
 * pgsj_settings.jwks is this and the name of that setting: the value that an
 * administrator gave may have been hidden by it, and so no token may be accepted.
 * As a setting's value it reaches parallel workers too.
 */
#define PGSJ_REFUSED "refused: "

/* Defines the settings; once, from _PG_init(). listener is kept. An ERROR leaves
 * nothing defined. */
void pgsj_settings_define(const pgsj_settings_listener *listener);

/* SET [LOCAL] pg_session_jwt.jwt = token. */
void pgsj_set_token(const char *token, bool is_local);

/*
 * For parallel workers that start from now on: is the current token accepted, and
 * the last jti accepted, at least 0. A worker gets the settings, but not this
 * process's state, and verifies the token for itself; these two it cannot find out.
 * Never fails.
 */
void pgsj_settings_publish(bool accepted, int64 last_jti);

#endif
