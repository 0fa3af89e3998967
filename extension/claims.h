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
    Datum session;      /* jsonb, the whole */
    Datum user_id;      /* text, claim sub */
    Datum organization; /* jsonb, claim o where it is an object */
    pg_uuid_t uid;      /* user_id where it is a uuid */
    pg_uuid_t organization_id;
    bool has_user_id;
    bool has_organization;
    bool has_uid;
    bool has_organization_id;
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

/* How much room psj_claims_copy() needs. */
Size psj_claims_size(const psj_claims *claims);

/* Copies claims; its Datums then point into room, which is MAXALIGNed. */
void psj_claims_copy(psj_claims *to, const psj_claims *from, char *room);

/* Member name as JSON text, "\"\"" where there is none, for the log. Allocates
 * in the current context. */
char *psj_claims_render(const psj_claims *claims, const char *name);

#endif
