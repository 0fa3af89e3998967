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
    bool any = false;
    JsonbValue value;
    Datum added;

    (void)pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
    for (size_t i = 0; i < lengthof(members); i++)
        if (member(organization, members[i].name, &value) != NULL && value.type == jbvString) {
            push_string(&state, members[i].spelt_out, &value);
            any = true;
        }
    added = JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
    if (!any)
        return organization;
    /* What is there already wins. */
    return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, added, JsonbPGetDatum(organization)));
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
    out->organization = JsonbPGetDatum(spell_out(organization));
    if (member(organization, "id", &value) != NULL && value.type == jbvString)
        out->has_organization_id = to_uuid(&value, &out->organization_id);
}

static psj_claims_result parse_json(const char *json, Datum *out)
{
    /* A setting that came with the connection has not been looked at by the server. */
    if (!pg_verifymbstr(json, (int)strlen(json), true))
        return PSJ_CLAIMS_NOT_JSON;
    switch (input(jsonb_in, json, out)) {
    case ERRCODE_SUCCESSFUL_COMPLETION:
        return PSJ_CLAIMS_OK;
    case ERRCODE_UNTRANSLATABLE_CHARACTER:
    case ERRCODE_FEATURE_NOT_SUPPORTED:
        return PSJ_CLAIMS_UNREPRESENTABLE;
    default:
        return PSJ_CLAIMS_NOT_JSON;
    }
}

static void read_claims(Datum session, psj_claims *out)
{
    memset(out, 0, sizeof(*out));
    out->session = session;
    if (!JB_ROOT_IS_OBJECT(DatumGetJsonbP(session)))
        return;
    read_subject(DatumGetJsonbP(session), out);
    read_organization(DatumGetJsonbP(session), out);
    out->has_role = psj_claims_string(out, "role", &out->role);
    out->has_email = psj_claims_string(out, "email", &out->email);
}

psj_claims_result psj_claims_from_json(const char *json, psj_claims *out)
{
    Datum session;
    const psj_claims_result result = parse_json(json, &session);

    if (result == PSJ_CLAIMS_OK)
        read_claims(session, out);
    return result;
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

psj_claims_result psj_jsonb_from_utf8(const char *json, size_t len, Datum *out)
{
    const int encoding = GetDatabaseEncoding();

    /* SQL_ASCII takes octets as they come. */
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return parse_json(json, out);
    return parse_json(to_ascii(json, len), out);
}

psj_claims_result psj_claims_from_payload(const char *payload, size_t len, psj_claims *out)
{
    Datum session;
    const psj_claims_result result = psj_jsonb_from_utf8(payload, len, &session);

    if (result == PSJ_CLAIMS_OK)
        read_claims(session, out);
    return result;
}

static Size room_for(bool present, Datum value)
{
    return present ? MAXALIGN(VARSIZE(DatumGetPointer(value))) : 0;
}

Size psj_claims_size(const psj_claims *claims)
{
    return room_for(true, claims->session) + room_for(claims->has_user_id, claims->user_id) +
           room_for(claims->has_organization, claims->organization) +
           room_for(claims->has_role, claims->role) + room_for(claims->has_email, claims->email);
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
    move(to->has_role, &to->role, &room);
    move(to->has_email, &to->email, &room);
}

bool psj_claims_string(const psj_claims *claims, const char *name, Datum *out)
{
    Jsonb *object = DatumGetJsonbP(claims->session);
    JsonbValue value;

    if (!JB_ROOT_IS_OBJECT(object) || member(object, name, &value) == NULL ||
        value.type != jbvString)
        return false;
    *out = PointerGetDatum(cstring_to_text_with_len(value.val.string.val, value.val.string.len));
    return true;
}

bool psj_claims_at(const psj_claims *claims, Datum path, Datum *out)
{
    LOCAL_FCINFO(fcinfo, 2);

    InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
    fcinfo->args[0] = (NullableDatum){.value = claims->session};
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

bool psj_claims_have_scope(const psj_claims *claims, const text *scope)
{
    Jsonb *object = DatumGetJsonbP(claims->session);

    return JB_ROOT_IS_OBJECT(object) && (member_has(&object->root, "scope", scope, has_word) ||
                                         member_has(&object->root, "scp", scope, has_word));
}

bool psj_claims_have_role(const psj_claims *claims, const text *role)
{
    Jsonb *object = DatumGetJsonbP(claims->session);
    JsonbValue realm;

    if (!JB_ROOT_IS_OBJECT(object))
        return false;
    if (member_has(&object->root, "roles", role, is_text))
        return true;
    return member(object, "realm_access", &realm) != NULL && realm.type == jbvBinary &&
           JsonContainerIsObject(realm.val.binary.data) &&
           member_has(realm.val.binary.data, "roles", role, is_text);
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
