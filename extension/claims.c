/*
 * claims.c - claims as JSON text made into what SQL is handed.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

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
        /* How much stack is left says nothing of the text. */
        if (sqlstate == ERRCODE_STATEMENT_TOO_COMPLEX)
            PG_RE_THROW();
        switch (ERRCODE_TO_CATEGORY(sqlstate)) {
        case MAKE_SQLSTATE('2', '2', '0', '0', '0'): /* data */
        case MAKE_SQLSTATE('5', '4', '0', '0', '0'): /* a limit, such as a string's length */
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

/* A look at the digits spares most strings that are no uuid an error to be caught. */
static bool may_be_uuid(const char *string, int len)
{
    int digits = 0;

    for (int i = 0; i < len; i++)
        if (isxdigit((unsigned char)string[i]))
            digits++;
        else if (strchr("{-}", string[i]) == NULL)
            return false;
    return digits == 2 * UUID_LEN;
}

static const NullableDatum none = {.isnull = true};

static NullableDatum to_uuid(const char *string, int len)
{
    NullableDatum uuid = {0};

    if (!may_be_uuid(string, len) ||
        input(uuid_in, pnstrdup(string, len), &uuid.value) != ERRCODE_SUCCESSFUL_COMPLETION)
        return none;
    return uuid;
}

static NullableDatum to_text(const char *string, int len)
{
    return (NullableDatum){.value = PointerGetDatum(cstring_to_text_with_len(string, len))};
}

/* ---- what policies ask of most tokens ---------------------------------- */

/* Claims to look strings up in: those of a token, or else a jsonb. */
typedef struct claims_source {
    const sjwt_token *token;
    Jsonb *jsonb;
} claims_source;

/* Is there such a claim? *string is NULL where it is none. */
static bool find_string(const claims_source *source, const char *name, const char **string,
                        int *len)
{
    JsonbValue value;

    *len = 0;
    if (source->token != NULL) {
        *string = sjwt_token_claim_string(source->token, name);
        if (*string == NULL)
            return sjwt_token_claim_type(source->token, name) != SJWT_JSON_ABSENT;
        *len = (int)strlen(*string);
        return true;
    }
    *string = NULL;
    if (member(source->jsonb, name, &value) == NULL)
        return false;
    if (value.type == jbvString) {
        *string = value.val.string.val;
        *len = value.val.string.len;
    }
    return true;
}

static NullableDatum read_text(const claims_source *source, const char *name)
{
    const char *string;
    int len;

    if (!find_string(source, name, &string, &len) || string == NULL)
        return none;
    return to_text(string, len);
}

static void read_subject(const claims_source *source, pgsj_claims *out)
{
    const char *string;
    int len;

    if (!find_string(source, "sub", &string, &len))
        return;
    if (string == NULL) {
        out->subject_invalid = true;
        return;
    }
    out->user_id = to_text(string, len);
    out->uid = to_uuid(string, len);
}

static const pgsj_claims no_claims = {.user_id = {.isnull = true},
                                      .uid = {.isnull = true},
                                      .role = {.isnull = true},
                                      .email = {.isnull = true},
                                      .issuer = {.isnull = true}};

static void read_claims(const claims_source *source, pgsj_claims *out)
{
    read_subject(source, out);
    out->role = read_text(source, "role");
    out->email = read_text(source, "email");
    out->issuer = read_text(source, "iss");
}

/* ---- the whole --------------------------------------------------------- */

static void push_string(JsonbParseState **state, const char *name, JsonbValue *value)
{
    JsonbValue key = {.type = jbvString,
                      .val.string = {.val = unconstify(char *, name), .len = (int)strlen(name)}};

    (void)pushJsonbValue(state, WJB_KEY, &key);
    (void)pushJsonbValue(state, WJB_VALUE, value);
}

/* Clerk has short names for an organization's slug and the user's role in it. */
static Jsonb *spell_out(Jsonb *organization)
{
    static const struct {
        const char *name, *spelt_out;
    } members[] = {{"slg", "slug"}, {"rol", "role"}};
    JsonbParseState *state = NULL;
    JsonbValue value;
    Datum added;

    for (size_t i = 0; i < lengthof(members); i++)
        if (member(organization, members[i].name, &value) != NULL && value.type == jbvString) {
            if (state == NULL)
                (void)pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
            push_string(&state, members[i].spelt_out, &value);
        }
    if (state == NULL)
        return organization;
    added = JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
    /* What is there already wins. */
    return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, added, JsonbPGetDatum(organization)));
}

static void read_organization(Jsonb *claims, pgsj_whole_claims *out)
{
    JsonbValue value;
    Jsonb *organization;

    if (member(claims, "o", &value) == NULL)
        return;
    organization = JsonbValueToJsonb(&value);
    if (!JB_ROOT_IS_OBJECT(organization))
        return;
    out->organization = (NullableDatum){.value = JsonbPGetDatum(spell_out(organization))};
    if (member(organization, "id", &value) != NULL && value.type == jbvString)
        out->organization_id = to_uuid(value.val.string.val, value.val.string.len);
}

static void read_whole(Datum session, pgsj_whole_claims *out)
{
    *out = (pgsj_whole_claims){.session = session, .organization = none, .organization_id = none};
    if (JB_ROOT_IS_OBJECT(DatumGetJsonbP(session)))
        read_organization(DatumGetJsonbP(session), out);
}

/* ---- from text --------------------------------------------------------- */

static void not_json(pgsj_failure *failure)
{
    failure->kind = PGSJ_FAILURE_JWT;
    failure->jwt = (sjwt_error){.status = SJWT_PAYLOAD_JSON, .detail = "jsonb does not take it"};
}

static bool parse_json(const char *json, Datum *out, pgsj_failure *failure)
{
    int sqlstate = ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;

    /* A setting that came with the connection has not been looked at by the server. */
    if (pg_verifymbstr(json, (int)strlen(json), true))
        sqlstate = input(jsonb_in, json, out);
    switch (sqlstate) {
    case ERRCODE_SUCCESSFUL_COMPLETION:
        return true;
    case ERRCODE_UNTRANSLATABLE_CHARACTER:
    case ERRCODE_FEATURE_NOT_SUPPORTED:
        failure->kind = PGSJ_FAILURE_ENCODING;
        return false;
    default:
        not_json(failure);
        return false;
    }
}

static void read_all(Datum session, pgsj_claims *out)
{
    const claims_source source = {.jsonb = DatumGetJsonbP(session)};
    pgsj_whole_claims *whole = palloc(sizeof(*whole));

    read_whole(session, whole);
    *out = no_claims;
    out->whole = whole;
    if (JB_ROOT_IS_OBJECT(source.jsonb))
        read_claims(&source, out);
}

/* Deeper than a token may nest. Counts what is not JSON any way it likes. */
static bool is_too_deep(const char *json)
{
    bool in_string = false;
    int depth = 0;

    for (; *json != '\0'; json++) {
        if (*json == '"')
            in_string = !in_string;
        else if (in_string)
            json += *json == '\\' && json[1] != '\0';
        else if (*json == '{' || *json == '[')
            depth++;
        else if (*json == '}' || *json == ']')
            depth--;
        if (depth > SJWT_MAX_JSON_DEPTH)
            return true;
    }
    return false;
}

bool pgsj_claims_from_json(const char *json, pgsj_claims *out, pgsj_failure *failure)
{
    Datum session;

    if (is_too_deep(json)) {
        not_json(failure);
        return false;
    }
    if (!parse_json(json, &session, failure))
        return false;
    read_all(session, out);
    return true;
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

bool pgsj_jsonb_from_utf8(const char *json, size_t len, Datum *out, pgsj_failure *failure)
{
    const int encoding = GetDatabaseEncoding();

    /* SQL_ASCII takes octets as they come. */
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return parse_json(json, out, failure);
    return parse_json(to_ascii(json, len), out, failure);
}

bool pgsj_claims_from_payload(const char *payload, size_t len, pgsj_claims *out,
                              pgsj_failure *failure)
{
    Datum session;

    if (!pgsj_jsonb_from_utf8(payload, len, &session, failure))
        return false;
    read_all(session, out);
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
    *out = no_claims;
    read_claims(&source, out);
    return true;
}

bool pgsj_whole_claims_from_payload(const char *payload, size_t len, pgsj_whole_claims *out,
                                    pgsj_failure *failure)
{
    Datum session;

    if (!pgsj_jsonb_from_utf8(payload, len, &session, failure))
        return false;
    read_whole(session, out);
    return true;
}

/* ---- copies ------------------------------------------------------------ */

static Size size_of_varlena(const NullableDatum *value)
{
    return value->isnull ? 0 : VARSIZE(DatumGetPointer(value->value));
}

static Size size_of_uuid(const NullableDatum *value)
{
    return value->isnull ? 0 : UUID_LEN;
}

static void move(NullableDatum *value, Size size, char **room)
{
    if (value->isnull)
        return;
    value->value = PointerGetDatum(memcpy(*room, DatumGetPointer(value->value), size));
    *room += MAXALIGN(size);
}

Size pgsj_whole_claims_size(const pgsj_whole_claims *whole)
{
    return MAXALIGN(sizeof(*whole)) + MAXALIGN(VARSIZE(DatumGetPointer(whole->session))) +
           MAXALIGN(size_of_varlena(&whole->organization)) +
           MAXALIGN(size_of_uuid(&whole->organization_id));
}

const pgsj_whole_claims *pgsj_whole_claims_copy(const pgsj_whole_claims *whole, char *room)
{
    pgsj_whole_claims *copy = memcpy(room, whole, sizeof(*whole));
    NullableDatum session = {.value = whole->session};

    room += MAXALIGN(sizeof(*copy));
    move(&session, size_of_varlena(&session), &room);
    copy->session = session.value;
    move(&copy->organization, size_of_varlena(&copy->organization), &room);
    move(&copy->organization_id, size_of_uuid(&copy->organization_id), &room);
    return copy;
}

Size pgsj_claims_size(const pgsj_claims *claims)
{
    return MAXALIGN(size_of_varlena(&claims->user_id)) + MAXALIGN(size_of_uuid(&claims->uid)) +
           MAXALIGN(size_of_varlena(&claims->role)) + MAXALIGN(size_of_varlena(&claims->email)) +
           MAXALIGN(size_of_varlena(&claims->issuer)) +
           (claims->whole == NULL ? 0 : pgsj_whole_claims_size(claims->whole));
}

void pgsj_claims_copy(pgsj_claims *to, const pgsj_claims *from, char *room)
{
    *to = *from;
    move(&to->user_id, size_of_varlena(&to->user_id), &room);
    move(&to->uid, size_of_uuid(&to->uid), &room);
    move(&to->role, size_of_varlena(&to->role), &room);
    move(&to->email, size_of_varlena(&to->email), &room);
    move(&to->issuer, size_of_varlena(&to->issuer), &room);
    if (from->whole != NULL)
        to->whole = pgsj_whole_claims_copy(from->whole, room);
}

char *pgsj_claims_render(const pgsj_whole_claims *whole, const char *name)
{
    Jsonb *object = DatumGetJsonbP(whole->session);
    JsonbValue value;
    Jsonb *rendered;

    if (!JB_ROOT_IS_OBJECT(object) || member(object, name, &value) == NULL)
        return pstrdup("\"\"");
    rendered = JsonbValueToJsonb(&value);
    return JsonbToCString(NULL, &rendered->root, VARSIZE(rendered));
}
