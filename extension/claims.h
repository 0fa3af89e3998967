/*
 * claims.h - claims as JSON text made into what SQL is handed.
 */
#ifndef PSJ_CLAIMS_H
#define PSJ_CLAIMS_H

#include "postgres.h"

#include "utils/uuid.h"

/* Values that a function returns as they are: the Datums point into memory that
 * belongs to whoever holds this struct, and the uuids into the struct itself. */
typedef struct psj_claims {
    uint64 id;          /* tells one from any other ever made in this process */
    bool nobody;        /* no token, or no claims */
    Datum session;      /* jsonb, the whole */
    Datum user_id;      /* text, claim sub */
    Datum organization; /* jsonb, claim o where it is an object; Clerk's with slug and role */
    Datum role;         /* text, claim role where it is a string */
    Datum email;        /* likewise */
    pg_uuid_t uid;      /* user_id where it is a uuid */
    pg_uuid_t organization_id;
    bool has_user_id;
    bool has_organization;
    bool has_uid;
    bool has_organization_id;
    bool has_role;
    bool has_email;
    bool subject_invalid; /* sub is there, and not a string */
} psj_claims;

typedef enum psj_claims_result {
    PSJ_CLAIMS_OK,
    PSJ_CLAIMS_NOT_JSON,       /* jsonb does not take it */
    PSJ_CLAIMS_UNREPRESENTABLE /* the database's encoding cannot hold it */
} psj_claims_result;

/* From JSON in the database's encoding. Allocates in the current context, and
 * leaves rubbish there. */
psj_claims_result psj_claims_from_json(const char *json, psj_claims *out);

/* The same from a verified payload: UTF-8, strict, NUL-terminated beyond len. */
psj_claims_result psj_claims_from_payload(const char *payload, size_t len, psj_claims *out);

/* JSON in UTF-8, strict, NUL-terminated beyond len, as jsonb. Allocates likewise. */
psj_claims_result psj_jsonb_from_utf8(const char *json, size_t len, Datum *out);

/* How much room psj_claims_copy() needs. */
Size psj_claims_size(const psj_claims *claims);

/* Copies claims; its Datums then point into room, which is MAXALIGNed. */
void psj_claims_copy(psj_claims *to, const psj_claims *from, char *room);

/* The text at a path, as operator #>> gives it; false where it is NULL. Allocates
 * in the current context. */
bool psj_claims_at(const psj_claims *claims, Datum path, Datum *out);

/* Claim scope or scp, words or an array, has it. */
bool psj_claims_have_scope(const psj_claims *claims, const text *scope);
/* Claim roles or member roles of claim realm_access, a string or an array, has it. */
bool psj_claims_have_role(const psj_claims *claims, const text *role);

/* Member name where it is a string, as text. Allocates in the current context. */
bool psj_claims_string(const psj_claims *claims, const char *name, Datum *out);

/* Member name as JSON text, "\"\"" where there is none, for the log. Allocates
 * in the current context. */
char *psj_claims_render(const psj_claims *claims, const char *name);

#endif
