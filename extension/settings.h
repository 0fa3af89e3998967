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

#include "datatype/timestamp.h"

#include "extension/setting_table.h"

/* The values of pg_session_jwt.mode. */
typedef enum pgsj_mode {
    PGSJ_MODE_AUTO, /* what is configured decides */
    PGSJ_MODE_NONE,
    PGSJ_MODE_CLAIMS,
    PGSJ_MODE_SESSION_KEY,
    PGSJ_MODE_ISSUER
} pgsj_mode;

/* The values of pg_session_jwt.login. */
typedef enum pgsj_login {
    PGSJ_LOGIN_ANY,
    PGSJ_LOGIN_ONLY /* only the token of the login is the identity */
} pgsj_login;

/* The values of pg_session_jwt.login_expiry. */
typedef enum pgsj_login_expiry { PGSJ_LOGIN_REFUSE, PGSJ_LOGIN_DISCONNECT } pgsj_login_expiry;

/*
 * A token. That of pg_session_jwt.jwt is the GUC's "extra", which follows the value
 * through SET LOCAL, savepoints and rollbacks: a token that was accepted once is
 * known as accepted when its value comes back. The value itself never is the token,
 * because the server shows some values (pg_settings.reset_val) as they are.
 */
typedef struct pgsj_session_token {
    uint64 identity_id; /* of the identity that the token was accepted as; 0: not accepted yet */
    bool from_leader;   /* a parallel worker got it from its leader */
    bool from_login;    /* it is that of the login, or the setting's value that stands for it */
    size_t len;         /* in octets */
    char text[FLEXIBLE_ARRAY_MEMBER]; /* NUL-terminated */
} pgsj_session_token;

/* The size of a token of len octets. */
#define PGSJ_SESSION_TOKEN_SIZE(len) (offsetof(pgsj_session_token, text) + (len) + 1)

/* Makes a token that was not accepted yet in memory of that size. */
pgsj_session_token *pgsj_session_token_init(void *memory, const char *text, size_t len);

#define PGSJ_STRING_MEMBER(member, ...) char *member;
#define PGSJ_INTEGER_MEMBER(member, ...) int member;
#define PGSJ_BOOLEAN_MEMBER(member, ...) bool member;
#define PGSJ_ENUM_MEMBER(member, ...) int member;
#define PGSJ_NAME_MEMBER(member, ...) const char *member;

#define PGSJ_SETTING_NAME_SIZE 128

/* The current value of each setting, and what follows from it. Only settings.c
 * writes to it. */
typedef struct pgsj_setting_values {
    PGSJ_SETTINGS(PGSJ_STRING_MEMBER, PGSJ_INTEGER_MEMBER, PGSJ_BOOLEAN_MEMBER, PGSJ_ENUM_MEMBER)

    bool audit; /* audit_log is "on" */
    /* Not NULL: a function sealed the session. See pgsj_settings_sealed(). */
    const char *sealed;
    /*
     * Not NULL: the name of a setting that decides which tokens are accepted, and a
     * value of which, at the beginning of the connection, the server refused when the
     * library was loaded. That value may have hidden the administrator's, so no token
     * may be accepted. Parallel workers have it from their leader.
     */
    const char *refused_setting;
    /* In a session without keys: a name before the library was loaded that is nearly the one of
     * a setting; "": there was none. */
    char misspelt[PGSJ_SETTING_NAME_SIZE];
} pgsj_setting_values;

extern pgsj_setting_values pgsj_settings;

/* The name of each setting. */
typedef struct pgsj_setting_name_list {
    PGSJ_SETTINGS(PGSJ_NAME_MEMBER, PGSJ_NAME_MEMBER, PGSJ_NAME_MEMBER, PGSJ_NAME_MEMBER)
} pgsj_setting_name_list;

extern const pgsj_setting_name_list pgsj_setting_names;

/* What parallel workers need to know of their leader, and cannot find out: they get the
 * settings, but not this process's state. */
typedef struct pgsj_leader_state {
    bool accepted;         /* the current token was accepted: its jti need not increase again */
    int64 last_jti;        /* of the tokens accepted; at least 0 */
    TimestampTz statement; /* the statement for which the current token is accepted; 0: none */
    int subjects;          /* with a statement: how the token's issuer names its users */
} pgsj_leader_state;

/*
 * What settings.c calls when the value of a setting changes; none may fail.
 * token_changed: for each new value, also an equal one; pgsj_settings_token() has the
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
    void (*leader_state_received)(const pgsj_leader_state *leader, bool sealed);
} pgsj_settings_listener;

/* Defines the settings; once, from _PG_init(). Keeps listener. An ERROR leaves
 * nothing defined. */
void pgsj_settings_define(const pgsj_settings_listener *listener);

/* "" is what a pooler or SET LOCAL leaves behind. */
static inline bool pgsj_is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

/* Do the settings name keys of an issuer? The first one: of the issuer that they describe, and
 * not those of a document of issuers. */
bool pgsj_settings_pin_keys_of_one_issuer(void);
bool pgsj_settings_pin_keys(void);

/* The token of pg_session_jwt.jwt; NULL: none. Never keep the pointer: the server frees
 * the token with the value. Raises in a parallel worker that did not get the token. */
pgsj_session_token *pgsj_settings_token(void);

/* In a parallel worker, the token that its leader sent; NULL: none. Raises when there
 * was no memory for it. */
pgsj_session_token *pgsj_settings_leader_token(void);

/*
 * The connection logged in with this token, or has a fresh one in its place. RESET and DISCARD ALL
 * return to it, and nothing that the client sends at the start of the connection overrides it.
 * token is a chunk of its own, which then belongs to the settings. Raises where there is no memory,
 * and changes nothing then.
 */
void pgsj_settings_log_in(pgsj_session_token *token);

/* That token; NULL: the connection did not log in with one. Valid until the next
 * pgsj_settings_log_in(). */
pgsj_session_token *pgsj_settings_login_token(void);

/* NULL: pg_session_jwt.jwt may be set, and decides. Else why it may not: a function sealed the
 * session, or the settings say that only the login's token counts. */
const char *pgsj_settings_sealed(void);

/* From now on nothing may set pg_session_jwt.jwt, or show a token. reason is a sentence
 * that lives forever; NULL: everything may again. Never fails. */
void pgsj_settings_seal(const char *reason);

/* Does this setting (any case) hold an identity? Then what a role, a database or a file
 * stores for it is ignored. */
bool pgsj_setting_is_identity(const char *name);

/* SET [LOCAL] pg_session_jwt.jwt = token. */
void pgsj_set_token(const char *token, bool is_local);

/* For parallel workers that start from now on. Never fails. */
void pgsj_settings_publish(const pgsj_leader_state *leader);

/*
 * Parallel workers that start before pgsj_settings_end_workers() get this token. The
 * argument of that function is the result of this one. Calls may be nested. The first
 * one raises when there is no memory, the second one never fails.
 */
char *pgsj_settings_begin_workers(const pgsj_session_token *token);
void pgsj_settings_end_workers(char *before);

#endif
