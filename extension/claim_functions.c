/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim_functions.c - the SQL functions that read single claims.
 *
 * A policy calls them for each row with the same argument. Where the argument is a constant, the
 * result is cached in fn_extra for as long as the identity is the same.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "extension/claims.h"
#include "extension/session.h"
#include "extension/compat.h"

PGSJ_FUNCTION(claim_wrapper);
PGSJ_FUNCTION(role_wrapper);
PGSJ_FUNCTION(email_wrapper);
PGSJ_FUNCTION(issuer_wrapper);
PGSJ_FUNCTION(has_scope_wrapper);
PGSJ_FUNCTION(has_role_wrapper);

typedef struct cached_result {
    uint64 identity_id; /* 0: nothing is cached */
    NullableDatum value;
    text *text;     /* what value points to; NULL: it is passed by value, or NULL */
    text *previous; /* the text before that one: the previous row may hold a pointer to it */
} cached_result;

/* The cached result of this identity; NULL where there is none. */
static inline const cached_result *find_cached_result(FunctionCallInfo fcinfo,
                                                      const pgsj_identity *identity)
{
    const cached_result *cached = fcinfo->flinfo->fn_extra;

    return likely(cached != NULL && cached->identity_id == identity->id) ? cached : NULL;
}

/* A parameter is not a constant: PL/pgSQL's variables are parameters, and PL/pgSQL keeps the
 * FmgrInfo when their values change. */
static bool argument_is_constant(const FmgrInfo *call)
{
    const Node *expression = call->fn_expr;

    return expression != NULL && IsA(expression, FuncExpr) &&
           IsA(linitial(((const FuncExpr *)expression)->args), Const);
}

/* Where to cache a result; NULL where the next call may have another argument. */
static cached_result *cache_slot(FunctionCallInfo fcinfo)
{
    FmgrInfo *call = fcinfo->flinfo;

    if (call->fn_extra == NULL && argument_is_constant(call))
        call->fn_extra = MemoryContextAllocZero(call->fn_mcxt, sizeof(cached_result));
    return call->fn_extra;
}

static void cache_text(FunctionCallInfo fcinfo, const pgsj_identity *identity, NullableDatum value)
{
    cached_result *slot = cache_slot(fcinfo);
    text *copy = NULL;

    if (slot == NULL)
        return;
    if (!value.isnull) {
        const Size size = VARSIZE(DatumGetPointer(value.value));

        copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, size);
        memcpy(copy, DatumGetPointer(value.value), size);
    }
    if (slot->previous != NULL)
        pfree(slot->previous);
    *slot = (cached_result){.identity_id = identity->id,
                            .value = {.value = PointerGetDatum(copy), .isnull = value.isnull},
                            .text = copy,
                            .previous = slot->text};
}

static bool is_anonymous(const pgsj_identity *identity)
{
    return identity->key.origin == PGSJ_ORIGIN_NONE;
}

/* ---- text -------------------------------------------------------------- */

/* The text at a path, like operator #>>. */
static pg_noinline NullableDatum text_at(const pgsj_jsonb_claims *claims, Datum path)
{
    LOCAL_FCINFO(fcinfo, 2);
    NullableDatum found;

    InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
    fcinfo->args[0] = (NullableDatum)claims->session;
    fcinfo->args[1] = (NullableDatum){.value = path};
    found.value = jsonb_extract_path_text(fcinfo);
    found.isnull = fcinfo->isnull;
    return found;
}

static pg_noinline Datum find_claim(FunctionCallInfo fcinfo, const pgsj_identity *identity)
{
    NullableDatum found = {.isnull = true};

    if (!is_anonymous(identity))
        found = text_at(pgsj_identity_jsonb_claims(identity), PG_GETARG_DATUM(0));
    cache_text(fcinfo, identity, found);
    return pgsj_return(fcinfo, found);
}

Datum claim_wrapper(PG_FUNCTION_ARGS)
{
    const pgsj_identity *identity = pgsj_session_identity();
    const cached_result *cached = find_cached_result(fcinfo, identity);

    if (likely(cached != NULL))
        return pgsj_return(fcinfo, cached->value);
    return find_claim(fcinfo, identity);
}

Datum role_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_claims()->role);
}

Datum email_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_claims()->email);
}

Datum issuer_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_claims()->issuer);
}

/* ---- scopes and roles -------------------------------------------------- */

static bool is_text(const char *string, int len, const text *wanted)
{
    return (size_t)len == VARSIZE_ANY_EXHDR(wanted) &&
           memcmp(string, VARDATA_ANY(wanted), (size_t)len) == 0;
}

/* Is it one of the words of a scope, which are separated by spaces (RFC 6749 section 3.3)? */
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

static bool find_member(JsonbContainer *object, const char *name, JsonbValue *out)
{
    return getKeyJsonValueFromContainer(object, name, (int)strlen(name), out) != NULL;
}

/* Is the member a string that passes the test, or an array with exactly that string? */
static bool member_has(JsonbContainer *object, const char *name, const text *wanted,
                       string_test test)
{
    JsonbValue value;
    JsonbValue item;
    JsonbIterator *iterator;
    JsonbIteratorToken token;

    if (!find_member(object, name, &value))
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

/* Has claim "scope" or "scp" this scope? Both are a string of words or an array. */
static bool claims_have_scope(const pgsj_jsonb_claims *claims, const text *scope)
{
    Jsonb *object = DatumGetJsonbP(claims->session.value);

    return JB_ROOT_IS_OBJECT(object) && (member_has(&object->root, "scope", scope, has_word) ||
                                         member_has(&object->root, "scp", scope, has_word));
}

/* Has claim "roles", or member "roles" of claim "realm_access", this role? Both are a string or
 * an array. */
static bool claims_have_role(const pgsj_jsonb_claims *claims, const text *role)
{
    Jsonb *object = DatumGetJsonbP(claims->session.value);
    JsonbValue realm;

    if (!JB_ROOT_IS_OBJECT(object))
        return false;
    if (member_has(&object->root, "roles", role, is_text))
        return true;
    return find_member(&object->root, "realm_access", &realm) && realm.type == jbvBinary &&
           JsonContainerIsObject(realm.val.binary.data) &&
           member_has(realm.val.binary.data, "roles", role, is_text);
}

typedef bool (*claims_test)(const pgsj_jsonb_claims *claims, const text *wanted);

static pg_noinline Datum test_claims(FunctionCallInfo fcinfo, const pgsj_identity *identity,
                                     claims_test test)
{
    cached_result found = {.identity_id = identity->id, .value.isnull = is_anonymous(identity)};
    cached_result *slot;

    if (!found.value.isnull)
        found.value.value =
            BoolGetDatum(test(pgsj_identity_jsonb_claims(identity), PG_GETARG_TEXT_PP(0)));
    slot = cache_slot(fcinfo);
    if (slot != NULL)
        *slot = found;
    return pgsj_return(fcinfo, found.value);
}

static inline Datum has(FunctionCallInfo fcinfo, claims_test test)
{
    const pgsj_identity *identity = pgsj_session_identity();
    const cached_result *cached = find_cached_result(fcinfo, identity);

    if (likely(cached != NULL))
        return pgsj_return(fcinfo, cached->value);
    return test_claims(fcinfo, identity, test);
}

Datum has_scope_wrapper(PG_FUNCTION_ARGS)
{
    return has(fcinfo, claims_have_scope);
}

Datum has_role_wrapper(PG_FUNCTION_ARGS)
{
    return has(fcinfo, claims_have_role);
}
