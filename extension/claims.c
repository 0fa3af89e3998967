/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.c - claims as the values that SQL functions return.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "extension/claims.h"
#include "extension/input.h"
#include "extension/compat.h"

/* Where claims are read from: a verified token, or a jsonb. */
typedef struct claims_source {
    Jsonb *jsonb; /* NULL: token is set */
    const sjwt_token *token;
} claims_source;

typedef enum value_type { TEXT_VALUE, UUID_VALUE, JSONB_VALUE } value_type;

/* One value: where it is in its struct, of which type it is, and how it is read from which
 * claim. The table drives reading, size and copy. */
typedef struct claim_field {
    size_t offset; /* of a NullableDatum */
    value_type type;
    const char *claim; /* NULL: all claims */
    NullableDatum (*read)(const claims_source *source, const char *claim);
} claim_field;

static const NullableDatum null_value = {.isnull = true};

static JsonbValue *find_member(Jsonb *object, const char *name, JsonbValue *out)
{
    return getKeyJsonValueFromContainer(&object->root, name, (int)strlen(name), out);
}

/* ---- values of one claim that is a string ------------------------------ */

/* The claim where it is a string, of *len octets; else NULL. */
static const char *find_string(const claims_source *source, const char *claim, int *len)
{
    const char *string;
    JsonbValue value;

    if (source->jsonb == NULL) {
        string = sjwt_token_claim_string(source->token, claim);
        *len = string == NULL ? 0 : (int)strlen(string);
        return string;
    }
    if (!JB_ROOT_IS_OBJECT(source->jsonb) || find_member(source->jsonb, claim, &value) == NULL ||
        value.type != jbvString)
        return NULL;
    *len = value.val.string.len;
    return value.val.string.val;
}

static bool is_present(const claims_source *source, const char *claim)
{
    JsonbValue value;

    if (source->jsonb == NULL)
        return sjwt_token_claim_type(source->token, claim) != SJWT_JSON_ABSENT;
    return JB_ROOT_IS_OBJECT(source->jsonb) && find_member(source->jsonb, claim, &value) != NULL;
}

static NullableDatum read_text(const claims_source *source, const char *claim)
{
    int len;
    const char *string = find_string(source, claim, &len);

    if (string == NULL)
        return null_value;
    return (NullableDatum){.value = PointerGetDatum(cstring_to_text_with_len(string, len))};
}

static NullableDatum read_uuid(const claims_source *source, const char *claim)
{
    NullableDatum uuid = {0};
    int len;
    const char *string = find_string(source, claim, &len);

    if (string == NULL || !pgsj_uuid_from_text(string, len, &uuid.value))
        return null_value;
    return uuid;
}

/* ---- values of jsonb --------------------------------------------------- */

static NullableDatum read_all_claims(const claims_source *source, const char *claim)
{
    (void)claim;
    return (NullableDatum){.value = JsonbPGetDatum(source->jsonb)};
}

/* The claim where it is an object, else NULL. */
static Jsonb *find_object(const claims_source *source, const char *claim)
{
    JsonbValue value;
    Jsonb *object;

    if (!JB_ROOT_IS_OBJECT(source->jsonb) || find_member(source->jsonb, claim, &value) == NULL)
        return NULL;
    object = JsonbValueToJsonb(&value);
    return JB_ROOT_IS_OBJECT(object) ? object : NULL;
}

static void push_string(pgsj_jsonb_builder *builder, const char *name, JsonbValue *value)
{
    JsonbValue key = {.type = jbvString,
                      .val.string = {.val = unconstify(char *, name), .len = (int)strlen(name)}};

    pgsj_jsonb_push(builder, WJB_KEY, &key);
    pgsj_jsonb_push(builder, WJB_VALUE, value);
}

/* Adds members with the full names of those that Clerk's tokens have under a short name. A member
 * that the organization has under the full name already stays as it is. */
static Jsonb *expand_clerk_names(Jsonb *organization)
{
    static const struct {
        const char *short_name, *full_name;
    } members[] = {{"slg", "slug"}, {"rol", "role"}};
    pgsj_jsonb_builder builder = {0};
    bool found = false;
    JsonbValue value;
    Datum added;

    for (size_t i = 0; i < lengthof(members); i++)
        if (find_member(organization, members[i].short_name, &value) != NULL &&
            value.type == jbvString) {
            if (!found)
                pgsj_jsonb_push(&builder, WJB_BEGIN_OBJECT, NULL);
            found = true;
            push_string(&builder, members[i].full_name, &value);
        }
    if (!found)
        return organization;
    pgsj_jsonb_push(&builder, WJB_END_OBJECT, NULL);
    added = JsonbPGetDatum(pgsj_jsonb_result(&builder));
    return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, added, JsonbPGetDatum(organization)));
}

static NullableDatum read_organization(const claims_source *source, const char *claim)
{
    Jsonb *organization = find_object(source, claim);

    if (organization == NULL)
        return null_value;
    return (NullableDatum){.value = JsonbPGetDatum(expand_clerk_names(organization))};
}

static NullableDatum read_organization_id(const claims_source *source, const char *claim)
{
    const claims_source organization = {.jsonb = find_object(source, claim)};

    return organization.jsonb == NULL ? null_value : read_uuid(&organization, "id");
}

/* ---- tables ------------------------------------------------------------ */

#define CLAIMS(member) offsetof(pgsj_claims, member)
#define JSONB_CLAIMS(member) offsetof(pgsj_jsonb_claims, member)

/* Of pgsj_claims; read from a token or from jsonb. */
static const claim_field claim_fields[] = {
    {CLAIMS(user_id), TEXT_VALUE, "sub", read_text},
    {CLAIMS(uid), UUID_VALUE, "sub", read_uuid},
    {CLAIMS(role), TEXT_VALUE, "role", read_text},
    {CLAIMS(email), TEXT_VALUE, "email", read_text},
    {CLAIMS(issuer), TEXT_VALUE, "iss", read_text},
};

/* Of pgsj_jsonb_claims; read from jsonb. */
static const claim_field jsonb_claim_fields[] = {
    {JSONB_CLAIMS(session), JSONB_VALUE, NULL, read_all_claims},
    {JSONB_CLAIMS(organization), JSONB_VALUE, "o", read_organization},
    {JSONB_CLAIMS(organization_id), UUID_VALUE, "o", read_organization_id},
};

/* A value without a row would not be copied, and point to memory that is freed. */
StaticAssertDecl(sizeof(pgsj_claims) - CLAIMS(user_id) ==
                     lengthof(claim_fields) * sizeof(NullableDatum),
                 "each value of pgsj_claims has a row in claim_fields");
StaticAssertDecl(sizeof(pgsj_jsonb_claims) == lengthof(jsonb_claim_fields) * sizeof(NullableDatum),
                 "each value of pgsj_jsonb_claims has a row in jsonb_claim_fields");

static NullableDatum *value_at(void *values, const claim_field *field)
{
    return (NullableDatum *)((char *)values + field->offset);
}

static void read_fields(const claim_field *fields, size_t count, const claims_source *source,
                        void *values)
{
    for (size_t i = 0; i < count; i++)
        *value_at(values, &fields[i]) = fields[i].read(source, fields[i].claim);
}

static Size value_size(value_type type, NullableDatum value)
{
    if (value.isnull)
        return 0;
    switch (type) {
    case TEXT_VALUE:
    case JSONB_VALUE:
        return VARSIZE(DatumGetPointer(value.value));
    case UUID_VALUE:
        return UUID_LEN;
    }
    pg_unreachable();
}

static Size fields_size(const claim_field *fields, size_t count, const void *values)
{
    Size size = 0;

    for (size_t i = 0; i < count; i++)
        size +=
            MAXALIGN(value_size(fields[i].type, *value_at(unconstify(void *, values), &fields[i])));
    return size;
}

static char *copy_datum(NullableDatum *value, Size size, char *buf)
{
    Assert(buf == (char *)MAXALIGN(buf));
    if (value->isnull)
        return buf;
    value->value = PointerGetDatum(memcpy(buf, DatumGetPointer(value->value), size));
    return buf + MAXALIGN(size);
}

/* Puts what the values point to into buf; returns the end of it. */
static char *copy_fields(const claim_field *fields, size_t count, void *values, char *buf)
{
    for (size_t i = 0; i < count; i++) {
        NullableDatum *value = value_at(values, &fields[i]);

        buf = copy_datum(value, value_size(fields[i].type, *value), buf);
    }
    return buf;
}

/* ---- reading ----------------------------------------------------------- */

static void read_claims(const claims_source *source, pgsj_claims *out)
{
    *out = (pgsj_claims){0};
    read_fields(claim_fields, lengthof(claim_fields), source, out);
    out->subject_invalid = out->user_id.isnull && is_present(source, "sub");
}

static void read_jsonb_claims(Datum session, pgsj_jsonb_claims *out)
{
    const claims_source source = {.jsonb = DatumGetJsonbP(session)};

    read_fields(jsonb_claim_fields, lengthof(jsonb_claim_fields), &source, out);
}

static void read_both(Datum session, pgsj_claims *out)
{
    const claims_source source = {.jsonb = DatumGetJsonbP(session)};
    pgsj_jsonb_claims *jsonb = palloc(sizeof(*jsonb));

    read_jsonb_claims(session, jsonb);
    read_claims(&source, out);
    out->jsonb = jsonb;
}

bool pgsj_claims_from_json(const char *json, pgsj_claims *out, pgsj_failure *failure)
{
    Datum session;

    if (!pgsj_jsonb_from_text(json, &session, failure))
        return false;
    read_both(session, out);
    return true;
}

bool pgsj_claims_from_payload(const char *payload, size_t len, pgsj_claims *out,
                              pgsj_failure *failure)
{
    Datum session;

    if (!pgsj_jsonb_from_utf8(payload, len, &session, failure))
        return false;
    read_both(session, out);
    return true;
}

bool pgsj_claims_from_token(const sjwt_token *token, pgsj_claims *out, pgsj_failure *failure)
{
    const claims_source source = {.token = token};
    const char *payload;
    size_t len;

    if (GetDatabaseEncoding() != PG_UTF8) {
        payload = sjwt_token_payload(token, &len);
        return pgsj_claims_from_payload(payload, len, out, failure);
    }
    read_claims(&source, out);
    return true;
}

bool pgsj_jsonb_claims_from_payload(const char *payload, size_t len, pgsj_jsonb_claims *out,
                                    pgsj_failure *failure)
{
    Datum session;

    if (!pgsj_jsonb_from_utf8(payload, len, &session, failure))
        return false;
    read_jsonb_claims(session, out);
    return true;
}

/* ---- copies ------------------------------------------------------------ */

Size pgsj_jsonb_claims_size(const pgsj_jsonb_claims *claims)
{
    return MAXALIGN(sizeof(*claims)) +
           fields_size(jsonb_claim_fields, lengthof(jsonb_claim_fields), claims);
}

const pgsj_jsonb_claims *pgsj_jsonb_claims_copy(const pgsj_jsonb_claims *from, char *buf)
{
    pgsj_jsonb_claims *to = memcpy(buf, from, sizeof(*from));
    char *end = copy_fields(jsonb_claim_fields, lengthof(jsonb_claim_fields), to,
                            buf + MAXALIGN(sizeof(*to)));

    Assert((Size)(end - buf) == pgsj_jsonb_claims_size(from));
    (void)end;
    return to;
}

Size pgsj_claims_size(const pgsj_claims *claims)
{
    return fields_size(claim_fields, lengthof(claim_fields), claims) +
           (claims->jsonb == NULL ? 0 : pgsj_jsonb_claims_size(claims->jsonb));
}

void pgsj_claims_copy(pgsj_claims *to, const pgsj_claims *from, char *buf)
{
    *to = *from;
    buf = copy_fields(claim_fields, lengthof(claim_fields), to, buf);
    if (from->jsonb != NULL)
        to->jsonb = pgsj_jsonb_claims_copy(from->jsonb, buf);
}

char *pgsj_claim_json_cstring(const pgsj_jsonb_claims *claims, const char *name)
{
    Jsonb *object = DatumGetJsonbP(claims->session.value);
    JsonbValue value;
    Jsonb *claim;

    if (!JB_ROOT_IS_OBJECT(object) || find_member(object, name, &value) == NULL)
        return pstrdup("\"\"");
    claim = JsonbValueToJsonb(&value);
    return JsonbToCString(NULL, &claim->root, VARSIZE(claim));
}
