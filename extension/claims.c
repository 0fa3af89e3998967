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

static bool to_uuid(const char *string, int len, pg_uuid_t *out)
{
    Datum uuid;

    if (!may_be_uuid(string, len) ||
        input(uuid_in, pnstrdup(string, len), &uuid) != ERRCODE_SUCCESSFUL_COMPLETION)
        return false;
    *out = *DatumGetUUIDP(uuid);
    return true;
}

/* ---- what policies ask of most tokens ---------------------------------- */

/* Claims to look strings up in: those of a token, or else a jsonb. */
typedef struct claims_source {
    const jwt_token *token;
    Jsonb *jsonb;
} claims_source;

/* Is there such a claim? *string is NULL where it is none. */
static bool find_string(const claims_source *source, const char *name, const char **string,
                        int *len)
{
    JsonbValue value;

    *len = 0;
    if (source->token != NULL) {
        const bool found = jwt_token_claim(source->token, name, string);

        if (*string != NULL)
            *len = (int)strlen(*string);
        return found;
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

static bool read_text(const claims_source *source, const char *name, Datum *out)
{
    const char *string;
    int len;

    if (!find_string(source, name, &string, &len) || string == NULL)
        return false;
    *out = PointerGetDatum(cstring_to_text_with_len(string, len));
    return true;
}

static void read_subject(const claims_source *source, psj_claims *out)
{
    const char *string;
    int len;

    if (!find_string(source, "sub", &string, &len))
        return;
    if (string == NULL) {
        out->subject_invalid = true;
        return;
    }
    out->has_user_id = true;
    out->user_id = PointerGetDatum(cstring_to_text_with_len(string, len));
    out->has_uid = to_uuid(string, len, &out->uid);
}

static void read_claims(const claims_source *source, psj_claims *out)
{
    read_subject(source, out);
    out->has_role = read_text(source, "role", &out->role);
    out->has_email = read_text(source, "email", &out->email);
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

static void read_organization(Jsonb *claims, psj_whole_claims *out)
{
    JsonbValue value;
    Jsonb *organization;

    if (member(claims, "o", &value) == NULL)
        return;
    organization = JsonbValueToJsonb(&value);
    if (!JB_ROOT_IS_OBJECT(organization))
        return;
    out->has_organization = true;
    out->organization = JsonbPGetDatum(spell_out(organization));
    if (member(organization, "id", &value) != NULL && value.type == jbvString)
        out->has_organization_id =
            to_uuid(value.val.string.val, value.val.string.len, &out->organization_id);
}

static void read_whole(Datum session, psj_whole_claims *out)
{
    *out = (psj_whole_claims){.session = session};
    if (JB_ROOT_IS_OBJECT(DatumGetJsonbP(session)))
        read_organization(DatumGetJsonbP(session), out);
}

/* ---- from text --------------------------------------------------------- */

static bool parse_json(const char *json, Datum *out, psj_failure *failure)
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
        failure->kind = PSJ_FAILURE_ENCODING;
        return false;
    default:
        failure->kind = PSJ_FAILURE_JWT;
        failure->jwt = (jwt_error){.status = JWT_PAYLOAD_JSON, .detail = "jsonb does not take it"};
        return false;
    }
}

static void read_all(Datum session, psj_claims *out)
{
    const claims_source source = {.jsonb = DatumGetJsonbP(session)};
    psj_whole_claims *whole = palloc(sizeof(*whole));

    read_whole(session, whole);
    *out = (psj_claims){.whole = whole};
    if (JB_ROOT_IS_OBJECT(source.jsonb))
        read_claims(&source, out);
}

bool psj_claims_from_json(const char *json, psj_claims *out, psj_failure *failure)
{
    Datum session;

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

bool psj_jsonb_from_utf8(const char *json, size_t len, Datum *out, psj_failure *failure)
{
    const int encoding = GetDatabaseEncoding();

    /* SQL_ASCII takes octets as they come. */
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return parse_json(json, out, failure);
    return parse_json(to_ascii(json, len), out, failure);
}

bool psj_claims_from_payload(const char *payload, size_t len, psj_claims *out, psj_failure *failure)
{
    Datum session;

    if (!psj_jsonb_from_utf8(payload, len, &session, failure))
        return false;
    read_all(session, out);
    return true;
}

bool psj_claims_from_token(const jwt_token *token, psj_claims *out, psj_failure *failure)
{
    const claims_source source = {.token = token};
    const char *payload;
    size_t len;

    if (GetDatabaseEncoding() != PG_UTF8) {
        payload = jwt_token_payload(token, &len);
        return psj_claims_from_payload(payload, len, out, failure);
    }
    *out = (psj_claims){0};
    read_claims(&source, out);
    return true;
}

bool psj_whole_claims_from_payload(const char *payload, size_t len, psj_whole_claims *out,
                                   psj_failure *failure)
{
    Datum session;

    if (!psj_jsonb_from_utf8(payload, len, &session, failure))
        return false;
    read_whole(session, out);
    return true;
}

/* ---- copies ------------------------------------------------------------ */

static Size room_for(bool present, Datum value)
{
    return present ? MAXALIGN(VARSIZE(DatumGetPointer(value))) : 0;
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

Size psj_whole_claims_size(const psj_whole_claims *whole)
{
    return MAXALIGN(sizeof(*whole)) + room_for(true, whole->session) +
           room_for(whole->has_organization, whole->organization);
}

const psj_whole_claims *psj_whole_claims_copy(const psj_whole_claims *whole, char *room)
{
    psj_whole_claims *copy = (psj_whole_claims *)room;

    *copy = *whole;
    room += MAXALIGN(sizeof(*copy));
    move(true, &copy->session, &room);
    move(copy->has_organization, &copy->organization, &room);
    return copy;
}

Size psj_claims_size(const psj_claims *claims)
{
    return room_for(claims->has_user_id, claims->user_id) +
           room_for(claims->has_role, claims->role) + room_for(claims->has_email, claims->email) +
           (claims->whole == NULL ? 0 : psj_whole_claims_size(claims->whole));
}

void psj_claims_copy(psj_claims *to, const psj_claims *from, char *room)
{
    *to = *from;
    move(to->has_user_id, &to->user_id, &room);
    move(to->has_role, &to->role, &room);
    move(to->has_email, &to->email, &room);
    if (from->whole != NULL)
        to->whole = psj_whole_claims_copy(from->whole, room);
}

/* ---- what SQL asks of the whole ---------------------------------------- */

bool psj_claims_string(const psj_whole_claims *whole, const char *name, Datum *out)
{
    const claims_source source = {.jsonb = DatumGetJsonbP(whole->session)};

    return JB_ROOT_IS_OBJECT(source.jsonb) && read_text(&source, name, out);
}

bool psj_claims_at(const psj_whole_claims *whole, Datum path, Datum *out)
{
    LOCAL_FCINFO(fcinfo, 2);

    InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
    fcinfo->args[0] = (NullableDatum){.value = whole->session};
    fcinfo->args[1] = (NullableDatum){.value = path};
    *out = jsonb_extract_path_text(fcinfo);
    return !fcinfo->isnull;
}

static bool is_text(const char *string, int len, const text *wanted)
{
    return (size_t)len == VARSIZE_ANY_EXHDR(wanted) &&
           memcmp(string, VARDATA_ANY(wanted), (size_t)len) == 0;
}

/* RFC 6749 section 3.3: words, with a blank between. */
static bool has_word(const char *words, int len, const text *wanted)
{
    int begin = 0;

    for (int i = 0; i <= len; i++)
        if (i == len || words[i] == ' ') {
            if (i > begin && is_text(words + begin, i - begin, wanted))
                return true;
            begin = i + 1;
        }
    return false;
}

typedef bool (*string_test)(const char *string, int len, const text *wanted);

/* The member is a string that passes the test, or an array with the very string. */
static bool member_has(JsonbContainer *object, const char *name, const text *wanted,
                       string_test test)
{
    JsonbValue value;
    JsonbValue item;
    JsonbIterator *iterator;
    JsonbIteratorToken token;

    if (getKeyJsonValueFromContainer(object, name, (int)strlen(name), &value) == NULL)
        return false;
    if (value.type == jbvString)
        return test(value.val.string.val, value.val.string.len, wanted);
    if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
        return false;
    iterator = JsonbIteratorInit(value.val.binary.data);
    while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
        if (token == WJB_ELEM && item.type == jbvString &&
            is_text(item.val.string.val, item.val.string.len, wanted))
            return true;
    return false;
}

bool psj_claims_have_scope(const psj_whole_claims *whole, const text *scope)
{
    Jsonb *object = DatumGetJsonbP(whole->session);

    return JB_ROOT_IS_OBJECT(object) && (member_has(&object->root, "scope", scope, has_word) ||
                                         member_has(&object->root, "scp", scope, has_word));
}

bool psj_claims_have_role(const psj_whole_claims *whole, const text *role)
{
    Jsonb *object = DatumGetJsonbP(whole->session);
    JsonbValue realm;

    if (!JB_ROOT_IS_OBJECT(object))
        return false;
    if (member_has(&object->root, "roles", role, is_text))
        return true;
    return member(object, "realm_access", &realm) != NULL && realm.type == jbvBinary &&
           JsonContainerIsObject(realm.val.binary.data) &&
           member_has(realm.val.binary.data, "roles", role, is_text);
}

char *psj_claims_render(const psj_whole_claims *whole, const char *name)
{
    Jsonb *object = DatumGetJsonbP(whole->session);
    JsonbValue value;
    Jsonb *rendered;

    if (!JB_ROOT_IS_OBJECT(object) || member(object, name, &value) == NULL)
        return pstrdup("\"\"");
    rendered = JsonbValueToJsonb(&value);
    return JsonbToCString(NULL, &rendered->root, VARSIZE(rendered));
}
