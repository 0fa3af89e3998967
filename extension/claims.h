/*
 * claims.h - claims as JSON text made into what SQL is handed.
 */
#ifndef PGSJ_CLAIMS_H
#define PGSJ_CLAIMS_H

#include "postgres.h"

#include "fmgr.h"

#include <sjwt.h>

#include "extension/errors.h"

/* What functions return as it is: the Datums point into memory that belongs to
 * whoever holds the struct. */

/* The claims as jsonb, and what is made of that. */
typedef struct pgsj_whole_claims {
    Datum session; /* jsonb */
    NullableDatum
        organization; /* jsonb, claim o where it is an object; Clerk's with slug and role */
    NullableDatum organization_id; /* uuid, its member id where that is one */
} pgsj_whole_claims;

/* What policies ask of most tokens. */
typedef struct pgsj_claims {
    uint64 id;                      /* tells one from any other ever made in this process */
    NullableDatum user_id;          /* text, claim sub where it is a string */
    NullableDatum uid;              /* uuid, the same where it is one */
    NullableDatum role;             /* text, claim role where it is a string */
    NullableDatum email;            /* likewise */
    NullableDatum issuer;           /* text, claim iss where it is a string */
    bool nobody;                    /* no token, or no claims */
    bool subject_invalid;           /* sub is there, and not a string */
    const pgsj_whole_claims *whole; /* NULL: not made yet */
} pgsj_claims;

/* One of these, returned. */
static inline Datum pgsj_return(FunctionCallInfo fcinfo, NullableDatum value)
{
    if (likely(!value.isnull))
        return value.value;
    PG_RETURN_NULL();
}

/*
 * These allocate in the current context, and leave rubbish there. They are false
 * where jsonb does not take the text, or the database's encoding cannot hold it;
 * then failure says so.
 */

/* From JSON in the database's encoding. */
bool pgsj_claims_from_json(const char *json, pgsj_claims *out, pgsj_failure *failure);

/* From a verified payload: UTF-8, strict, NUL-terminated beyond len. */
bool pgsj_claims_from_payload(const char *payload, size_t len, pgsj_claims *out,
                              pgsj_failure *failure);

/* From a verified token. Where the database's encoding can hold all that a token
 * says, the whole is left to pgsj_whole_claims_from_payload(). */
bool pgsj_claims_from_token(const sjwt_token *token, pgsj_claims *out, pgsj_failure *failure);

/* The whole of what pgsj_claims_from_token() took. */
bool pgsj_whole_claims_from_payload(const char *payload, size_t len, pgsj_whole_claims *out,
                                    pgsj_failure *failure);

/* JSON in UTF-8, strict, NUL-terminated beyond len, as jsonb. */
bool pgsj_jsonb_from_utf8(const char *json, size_t len, Datum *out, pgsj_failure *failure);

/* How much room the copy needs; room is MAXALIGNed, and what is copied points
 * into it. The whole, where it is made, is copied along with claims. */
Size pgsj_claims_size(const pgsj_claims *claims);
void pgsj_claims_copy(pgsj_claims *to, const pgsj_claims *from, char *room);
Size pgsj_whole_claims_size(const pgsj_whole_claims *whole);
const pgsj_whole_claims *pgsj_whole_claims_copy(const pgsj_whole_claims *whole, char *room);

/* Member name as JSON text, "\"\"" where there is none, for the log. Allocates
 * in the current context. */
char *pgsj_claims_render(const pgsj_whole_claims *whole, const char *name);

#endif
