/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.h - claims as the values that SQL functions return.
 *
 * To add a claim, add a member to one of the two structs and a row to its table in claims.c.
 */
#ifndef PGSJ_CLAIMS_H
#define PGSJ_CLAIMS_H

#include "postgres.h"

#include "fmgr.h"

#include <sjwt.h>

#include "extension/errors.h"

/* The Datums of both structs point into memory of the struct's owner. */

/* Values that are made from the claims as jsonb, at the first call that needs one of them. */
typedef struct pgsj_jsonb_claims {
    NullableDatum session;         /* jsonb, all claims; never NULL */
    NullableDatum organization;    /* jsonb, claim "o" where it is an object, with Clerk's short
                                      names expanded */
    NullableDatum organization_id; /* uuid, member "id" of claim "o" where it is one */
} pgsj_jsonb_claims;

/* Values that the policies of most applications use. */
typedef struct pgsj_claims {
    const pgsj_jsonb_claims *jsonb; /* NULL: not made yet */
    bool subject_invalid;           /* "sub" is present and not a string */
    /* From here on there are only values, each with a row in the table. */
    NullableDatum user_id; /* text, claim "sub" where it is a string */
    NullableDatum uid;     /* uuid, claim "sub" where it is one */
    NullableDatum role;    /* text, claim "role" where it is a string */
    NullableDatum email;   /* text, claim "email" where it is a string */
    NullableDatum issuer;  /* text, claim "iss" where it is a string */
} pgsj_claims;

/* Returns one of these values from a SQL function. */
static inline Datum pgsj_return(FunctionCallInfo fcinfo, NullableDatum value)
{
    if (likely(!value.isnull))
        return value.value;
    PG_RETURN_NULL();
}

/*
 * All of these allocate in the current memory context and do not free what they need on the way:
 * call them in a short-lived one, and copy the result. They return false and set *failure as
 * pgsj_jsonb_from_text() does.
 */

/* From NUL-terminated JSON in the database's encoding. Sets jsonb. */
bool pgsj_claims_from_json(const char *json, pgsj_claims *out, pgsj_failure *failure);

/* From the len octets of a token's payload: strict JSON in UTF-8; payload[len] is NUL. Sets
 * jsonb. */
bool pgsj_claims_from_payload(const char *payload, size_t len, pgsj_claims *out,
                              pgsj_failure *failure);

/* From a verified token. Leaves jsonb NULL where the database's encoding has every character
 * that a token can have: then pgsj_jsonb_claims_from_payload() makes it later. */
bool pgsj_claims_from_token(const sjwt_token *token, pgsj_claims *out, pgsj_failure *failure);

/* From the payload of a token whose other claims pgsj_claims_from_token() read. */
bool pgsj_jsonb_claims_from_payload(const char *payload, size_t len, pgsj_jsonb_claims *out,
                                    pgsj_failure *failure);

/*
 * Copies, with all that they point to. buf is MAXALIGNed and has as many octets as …_size()
 * returns, a multiple of MAXIMUM_ALIGNOF; the copy points into it. pgsj_claims_copy() copies
 * jsonb along where it is set. pgsj_jsonb_claims_copy() puts the struct itself into buf too.
 */
Size pgsj_claims_size(const pgsj_claims *claims);
void pgsj_claims_copy(pgsj_claims *to, const pgsj_claims *from, char *buf);
Size pgsj_jsonb_claims_size(const pgsj_jsonb_claims *claims);
const pgsj_jsonb_claims *pgsj_jsonb_claims_copy(const pgsj_jsonb_claims *from, char *buf);

/* The claim of this name as JSON text, "\"\"" where there is none; for the log. Allocates in the
 * current memory context. */
char *pgsj_claim_json_cstring(const pgsj_jsonb_claims *claims, const char *name);

#endif
