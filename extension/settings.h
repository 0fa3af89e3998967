/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h - the current value of every setting, and the listener for changes.
 *
 * Strings: NULL or "" is unset unless setting_table.h says otherwise. Lists are
 * separated by commas.
 */
#ifndef PGSJ_SETTINGS_H
#define PGSJ_SETTINGS_H

#include "postgres.h"

#include "extension/setting_table.h"

/* The values of pg_session_jwt.mode. */
typedef enum pgsj_mode {
    PGSJ_MODE_AUTO, /* what is configured decides */
    PGSJ_MODE_NONE,
    PGSJ_MODE_CLAIMS,
    PGSJ_MODE_SESSION_KEY,
    PGSJ_MODE_ISSUER
} pgsj_mode;

/*
 * Belongs to one value of pg_session_jwt.jwt and follows it, as the GUC's "extra",
 * through SET LOCAL, savepoints and rollbacks: a token that was accepted once is
 * known as accepted when its value comes back.
 */
typedef struct pgsj_token_extra {
    uint64 identity_id; /* of the identity that the token was accepted as; 0: not accepted yet */
    bool from_leader;   /* a parallel worker got the value from its leader */
} pgsj_token_extra;

#define PGSJ_STRING_MEMBER(member, ...) char *member;
#define PGSJ_INTEGER_MEMBER(member, ...) int member;
#define PGSJ_BOOLEAN_MEMBER(member, ...) bool member;
#define PGSJ_ENUM_MEMBER(member, ...) int member;
#define PGSJ_NAME_MEMBER(member, ...) const char *member;

/* The current value of each setting, and what follows from it. Only settings.c
 * writes to it, but for the token extra's identity_id. */
typedef struct pgsj_setting_values {
    PGSJ_SETTINGS(PGSJ_STRING_MEMBER, PGSJ_INTEGER_MEMBER, PGSJ_BOOLEAN_MEMBER, PGSJ_ENUM_MEMBER)

    bool audit; /* audit_log is "on" */
    /* Of the value of jwt; NULL where there is no token. Never keep the pointer: the
     * server frees it with the value. */
    pgsj_token_extra *current_token_extra;
    /*
     * Not NULL: the name of a setting that decides which tokens are accepted, and a
     * value of which, at the beginning of the connection, the server refused when the
     * library was loaded. That value may have hidden the administrator's, so no token
     * may be accepted. Parallel workers have it from their leader.
     */
    const char *refused_setting;
} pgsj_setting_values;

extern pgsj_setting_values pgsj_settings;

/* The name of each setting. */
typedef struct pgsj_setting_name_list {
    PGSJ_SETTINGS(PGSJ_NAME_MEMBER, PGSJ_NAME_MEMBER, PGSJ_NAME_MEMBER, PGSJ_NAME_MEMBER)
} pgsj_setting_name_list;

extern const pgsj_setting_name_list pgsj_setting_names;

/*
 * What settings.c calls when the value of a setting changes; none may fail.
 * token_changed: for each new value, also an equal one; current_token_extra is the
 * new one's already. claims_changed, audit_changed: of request.jwt.claims and
 * audit_log. trust_changed: of any setting that decides which tokens are accepted;
 * the variables still have the old values. leader_state_received: in a starting
 * parallel worker, what the leader handed to pgsj_settings_publish() last.
 */
typedef struct pgsj_settings_listener {
    void (*token_changed)(void);
    void (*claims_changed)(void);
    void (*trust_changed)(void);
    void (*audit_changed)(void);
    void (*leader_state_received)(bool accepted, int64 last_jti);
} pgsj_settings_listener;

/* Defines the settings; once, from _PG_init(). Keeps listener. An ERROR leaves
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
