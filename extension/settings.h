/*
 * settings.h - every GUC of the extension.
 */
#ifndef PGSJ_SETTINGS_H
#define PGSJ_SETTINGS_H

#include "postgres.h"

/* pg_session_jwt.jwk: the session's key. NULL: not set; "" is set, and unusable. */
extern char *pgsj_jwk;
/* pg_session_jwt.jwt: the token. NULL or "": none. */
extern char *pgsj_jwt;
/* request.jwt.claims: the gateway's claims. NULL or "": none. */
extern char *pgsj_claims_setting;
/* pg_session_jwt.audit_log is "on". */
extern bool pgsj_audit;
/* What parallel workers are told (parallel.h): always PGSJ_PARALLEL_STATE_LEN
 * characters, overwritten in place. NULL until the settings are defined. */
extern char *pgsj_parallel_state;

/*
 * Travels with one value of pg_session_jwt.jwt as its GUC "extra": through SET
 * LOCAL, savepoints and rollbacks. What was accepted once is known as such when
 * it comes back in force, however it comes back.
 */
typedef struct pgsj_mark {
    uint64 accepted_as; /* the identity that it was accepted as (session.c); 0: not yet */
    bool inherited;     /* came from the leader of a parallel query */
} pgsj_mark;

/* The mark of the token in force; NULL where there is no token. Never keep it:
 * the server frees it with its value. */
extern pgsj_mark *pgsj_mark_in_force;

/* Once, from _PG_init(). An ERROR leaves nothing defined. */
void pgsj_settings_define(void);

/* SET [LOCAL] pg_session_jwt.jwt = token. */
void pgsj_set_token(const char *token, bool is_local);

#endif
