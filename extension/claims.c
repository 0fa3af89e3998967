/*
 * claims.c - claims as JSON text made into what SQL is handed.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "extension/claims.h"

/*
 * Calls a type's input function. ERRCODE_SUCCESSFUL_COMPLETION, or the SQLSTATE
 * of what it says of its input; its message, which shows a part of a token, is
 * dropped. Input functions that take text hold nothing but memory, so that no
 * subtransaction is needed. Soft errors, where the server has them, would not
 * do: deep nesting is still thrown.
 */
static int input(PGFunction function, const char *text, Datum *out)
{
    MemoryContext caller = CurrentMemoryContext;
    volatile int sqlstate = ERRCODE_SUCCESSFUL_COMPLETION;

    PG_TRY();
    {
        *out = DirectFunctionCall1(function, CStringGetDatum(text));
    }
    PG_CATCH();
    {
        sqlstate = geterrcode();
        switch (ERRCODE_TO_CATEGORY(sqlstate)) {
        case MAKE_SQLSTATE('2', '2', '0', '0', '0'): /* data */
        case MAKE_SQLSTATE('5', '4', '0', '0', '0'): /* a limit, such as depth */
        case MAKE_SQLSTATE('0', 'A', '0', '0', '0'): /* no such conversion of encodings */
            break;
        default:
            PG_RE_THROW();
        }
        MemoryContextSwitchTo(caller);
        FlushErrorState();
    }
    PG_END_TRY();

    return sqlstate;
}

static JsonbValue *member(Jsonb *object, const char *name, JsonbValue *out)
{
    return getKeyJsonValueFromContainer(&object->root, name, (int)strlen(name), out);
}

static bool to_uuid(const JsonbValue *string, pg_uuid_t *out)
{
    char *text = pnstrdup(string->val.string.val, string->val.string.len);
    Datum uuid;

    if (input(uuid_in, text, &uuid) != ERRCODE_SUCCESSFUL_COMPLETION)
        return false;
    *out = *DatumGetUUIDP(uuid);
    return true;
}

static void read_subject(Jsonb *claims, psj_claims *out)
{
    JsonbValue value;

    if (member(claims, "sub", &value) == NULL)
        return;
    if (value.type != jbvString) {
        out->subject_invalid = true;
        return;
    }
    out->has_user_id = true;
    out->user_id =
        PointerGetDatum(cstring_to_text_with_len(value.val.string.val, value.val.string.len));
    out->has_uid = to_uuid(&value, &out->uid);
}

static void read_organization(Jsonb *claims, psj_claims *out)
{
    JsonbValue value;
    Jsonb *organization;

    if (member(claims, "o", &value) == NULL)
        return;
    organization = JsonbValueToJsonb(&value);
    if (!JB_ROOT_IS_OBJECT(organization))
        return;
    out->has_organization = true;
    out->organization = JsonbPGetDatum(organization);
    if (member(organization, "id", &value) != NULL && value.type == jbvString)
        out->has_organization_id = to_uuid(&value, &out->organization_id);
}

psj_claims_result psj_claims_from_json(const char *json, psj_claims *out)
{
    Datum claims;

    memset(out, 0, sizeof(*out));
    /* A setting that came with the connection has not been looked at by the server. */
    if (!pg_verifymbstr(json, (int)strlen(json), true))
        return PSJ_CLAIMS_NOT_JSON;
    switch (input(jsonb_in, json, &claims)) {
    case ERRCODE_SUCCESSFUL_COMPLETION:
        break;
    case ERRCODE_UNTRANSLATABLE_CHARACTER:
    case ERRCODE_FEATURE_NOT_SUPPORTED:
        return PSJ_CLAIMS_UNREPRESENTABLE;
    default:
        return PSJ_CLAIMS_NOT_JSON;
    }
    out->session = claims;
    if (JB_ROOT_IS_OBJECT(DatumGetJsonbP(claims))) {
        read_subject(DatumGetJsonbP(claims), out);
        read_organization(DatumGetJsonbP(claims), out);
    }
    return PSJ_CLAIMS_OK;
}

static char *append_escape(char *to, unsigned int unit)
{
    return to + sprintf(to, "\\u%04x", unit);
}

/*
 * Valid JSON in UTF-8 to the same JSON in ASCII: outside ASCII there can be but
 * characters of strings. jsonb's input then converts them with the conversion
 * that the server has settled on; any other way would look one up in the
 * search_path.
 */
static char *to_ascii(const char *utf8, size_t len)
{
    const unsigned char *from = (const unsigned char *)utf8;
    const unsigned char *end = from + len;
    char *json = palloc(len * 6 + 1); /* a two-octet character takes 6, a four-octet one 12 */
    char *to = json;

    while (from < end) {
        pg_wchar c;

        if (*from < 0x80) {
            *to++ = (char)*from++;
            continue;
        }
        c = utf8_to_unicode(from);
        from += pg_utf_mblen(from);
        if (c > 0xFFFF) {
            to = append_escape(to, 0xD800 + ((c - 0x10000) >> 10));
            to = append_escape(to, 0xDC00 + ((c - 0x10000) & 0x3FF));
        } else
            to = append_escape(to, c);
    }
    *to = '\0';
    return json;
}

psj_claims_result psj_claims_from_payload(const char *payload, size_t len, psj_claims *out)
{
    const int encoding = GetDatabaseEncoding();

    /* SQL_ASCII takes octets as they come. */
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return psj_claims_from_json(payload, out);
    return psj_claims_from_json(to_ascii(payload, len), out);
}

static Size room_for(bool present, Datum value)
{
    return present ? MAXALIGN(VARSIZE(DatumGetPointer(value))) : 0;
}

Size psj_claims_size(const psj_claims *claims)
{
    return room_for(true, claims->session) + room_for(claims->has_user_id, claims->user_id) +
           room_for(claims->has_organization, claims->organization);
}

static void move(bool present, Datum *value, char **room)
{
    Size size;

    if (!present)
        return;
    size = VARSIZE(DatumGetPointer(*value));
    memcpy(*room, DatumGetPointer(*value), size);
    *value = PointerGetDatum(*room);
    *room += MAXALIGN(size);
}

void psj_claims_copy(psj_claims *to, const psj_claims *from, char *room)
{
    *to = *from;
    move(true, &to->session, &room);
    move(to->has_user_id, &to->user_id, &room);
    move(to->has_organization, &to->organization, &room);
}

char *psj_claims_render(const psj_claims *claims, const char *name)
{
    Jsonb *object = DatumGetJsonbP(claims->session);
    JsonbValue value;
    Jsonb *rendered;

    if (!JB_ROOT_IS_OBJECT(object) || member(object, name, &value) == NULL)
        return pstrdup("\"\"");
    rendered = JsonbValueToJsonb(&value);
    return JsonbToCString(NULL, &rendered->root, VARSIZE(rendered));
}
