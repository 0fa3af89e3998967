/*
 * claim_functions.c - what SQL can ask of the claims.
 *
 * A policy asks the same for each row. The answer to a constant argument is kept
 * with the call, for as long as the claims are the same.
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
PGSJ_FUNCTION(has_scope_wrapper);
PGSJ_FUNCTION(has_role_wrapper);

typedef struct answer {
    uint64 claims; /* their id; 0: nothing is kept */
    NullableDatum value;
    text *text;     /* what value points to; NULL: it is passed by value */
    text *previous; /* the text before it, to which the row before may point */
} answer;

/* The answer that the call keeps, if it is of these claims. */
static inline const answer *kept_answer(FunctionCallInfo fcinfo, const pgsj_claims *claims)
{
    const answer *kept = fcinfo->flinfo->fn_extra;

    return likely(kept != NULL && kept->claims == claims->id) ? kept : NULL;
}

/* A parameter is not, although it is as good within one execution of a plan:
 * PL/pgSQL's variables are parameters, and it keeps the call for other values. */
static bool argument_is_constant(const FmgrInfo *call)
{
    const Node *expression = call->fn_expr;

    return expression != NULL && IsA(expression, FuncExpr) &&
           IsA(linitial(((const FuncExpr *)expression)->args), Const);
}

/* Where to keep an answer; NULL where the next call may have another argument. */
static answer *place(FunctionCallInfo fcinfo)
{
    FmgrInfo *call = fcinfo->flinfo;

    if (call->fn_extra == NULL && argument_is_constant(call))
        call->fn_extra = MemoryContextAllocZero(call->fn_mcxt, sizeof(answer));
    return call->fn_extra;
}

static void keep_text(FunctionCallInfo fcinfo, const pgsj_claims *claims, NullableDatum value)
{
    answer *kept = place(fcinfo);
    text *copy = NULL;

    if (kept == NULL)
        return;
    if (!value.isnull) {
        const Size size = VARSIZE(DatumGetPointer(value.value));

        copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, size);
        memcpy(copy, DatumGetPointer(value.value), size);
    }
    if (kept->previous != NULL)
        pfree(kept->previous);
    *kept = (answer){.claims = claims->id,
                     .value = {.value = PointerGetDatum(copy), .isnull = value.isnull},
                     .text = copy,
                     .previous = kept->text};
}

/* ---- text -------------------------------------------------------------- */

/* The text at a path, as operator #>> gives it. */
static NullableDatum text_at(const pgsj_whole_claims *whole, Datum path)
{
    LOCAL_FCINFO(fcinfo, 2);
    NullableDatum found;

    InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
    fcinfo->args[0] = (NullableDatum){.value = whole->session};
    fcinfo->args[1] = (NullableDatum){.value = path};
    found.value = jsonb_extract_path_text(fcinfo);
    found.isnull = fcinfo->isnull;
    return found;
}

Datum claim_wrapper(PG_FUNCTION_ARGS)
{
    const pgsj_claims *claims = pgsj_session_claims();
    const answer *kept = kept_answer(fcinfo, claims);
    NullableDatum found = {.isnull = true};

    if (likely(kept != NULL))
        return pgsj_return(fcinfo, kept->value);
    if (!claims->nobody)
        found = text_at(pgsj_session_whole_of(claims), PG_GETARG_DATUM(0));
    keep_text(fcinfo, claims, found);
    return pgsj_return(fcinfo, found);
}

Datum role_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_claims()->role);
}

Datum email_wrapper(PG_FUNCTION_ARGS)
{
    return pgsj_return(fcinfo, pgsj_session_claims()->email);
}

/* ---- scopes and roles -------------------------------------------------- */

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

static bool find_member(JsonbContainer *object, const char *name, JsonbValue *out)
{
    return getKeyJsonValueFromContainer(object, name, (int)strlen(name), out) != NULL;
}

/* The member is a string that passes the test, or an array with the very string. */
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

/* Claim scope or scp, words or an array, has it. */
static bool have_scope(const pgsj_whole_claims *whole, const text *scope)
{
    Jsonb *object = DatumGetJsonbP(whole->session);

    return JB_ROOT_IS_OBJECT(object) && (member_has(&object->root, "scope", scope, has_word) ||
                                         member_has(&object->root, "scp", scope, has_word));
}

/* Claim roles or member roles of claim realm_access, a string or an array, has it. */
static bool have_role(const pgsj_whole_claims *whole, const text *role)
{
    Jsonb *object = DatumGetJsonbP(whole->session);
    JsonbValue realm;

    if (!JB_ROOT_IS_OBJECT(object))
        return false;
    if (member_has(&object->root, "roles", role, is_text))
        return true;
    return find_member(&object->root, "realm_access", &realm) && realm.type == jbvBinary &&
           JsonContainerIsObject(realm.val.binary.data) &&
           member_has(realm.val.binary.data, "roles", role, is_text);
}

static Datum has(FunctionCallInfo fcinfo,
                 bool (*test)(const pgsj_whole_claims *whole, const text *item))
{
    const pgsj_claims *claims = pgsj_session_claims();
    const answer *kept = kept_answer(fcinfo, claims);
    answer *to_keep;
    answer found = {0};

    if (likely(kept != NULL))
        return pgsj_return(fcinfo, kept->value);
    found.claims = claims->id;
    found.value.isnull = claims->nobody;
    if (!claims->nobody)
        found.value.value = BoolGetDatum(test(pgsj_session_whole_of(claims), PG_GETARG_TEXT_PP(0)));
    to_keep = place(fcinfo);
    if (to_keep != NULL)
        *to_keep = found;
    return pgsj_return(fcinfo, found.value);
}

Datum has_scope_wrapper(PG_FUNCTION_ARGS)
{
    return has(fcinfo, have_scope);
}

Datum has_role_wrapper(PG_FUNCTION_ARGS)
{
    return has(fcinfo, have_role);
}
