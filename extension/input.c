/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.c - values of SQL types from text, by the types' own input functions.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "extension/input.h"

/*
 * Calls a type's input function. Returns ERRCODE_SUCCESSFUL_COMPLETION, or the SQLSTATE of the
 * error that the function raised about its input. The error's message is dropped, because it
 * shows a part of a token. An input function for text holds only memory, so that the error can
 * be caught without a subtransaction. Soft errors (since 16) are no substitute: too deep nesting
 * is raised all the same.
 */
static int call_input(PGFunction function, const char *text, Datum *out)
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
        /* This one is about the stack that is left, not about the text. */
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

/* ---- uuid -------------------------------------------------------------- */

/* Most strings that are no uuid fail here, which costs less than an error that is caught. */
static bool may_be_uuid(const char *text, int len)
{
    int digits = 0;

    for (int i = 0; i < len; i++)
        if (isxdigit((unsigned char)text[i]))
            digits++;
        else if (strchr("{-}", text[i]) == NULL)
            return false;
    return digits == 2 * UUID_LEN;
}

bool pgsj_uuid_from_text(const char *text, int len, Datum *out)
{
    return may_be_uuid(text, len) &&
           call_input(uuid_in, pnstrdup(text, len), out) == ERRCODE_SUCCESSFUL_COMPLETION;
}

/* ---- jsonb ------------------------------------------------------------- */

static void set_not_json(pgsj_failure *failure)
{
    failure->kind = PGSJ_FAILURE_JWT;
    failure->jwt = (sjwt_error){.status = SJWT_PAYLOAD_JSON, .detail = "jsonb does not take it"};
}

/* From text in the database's encoding. */
static bool parse_json(const char *json, Datum *out, pgsj_failure *failure)
{
    int sqlstate = ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;

    /* The server does not check the encoding of a setting that came with the connection. */
    if (pg_verifymbstr(json, (int)strlen(json), true))
        sqlstate = call_input(jsonb_in, json, out);
    switch (sqlstate) {
    case ERRCODE_SUCCESSFUL_COMPLETION:
        return true;
    case ERRCODE_UNTRANSLATABLE_CHARACTER:
    case ERRCODE_FEATURE_NOT_SUPPORTED:
        failure->kind = PGSJ_FAILURE_ENCODING;
        return false;
    default:
        set_not_json(failure);
        return false;
    }
}

/* Does it nest deeper than a token may? The answer for text that is not JSON is arbitrary. */
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

bool pgsj_jsonb_from_text(const char *json, Datum *out, pgsj_failure *failure)
{
    if (is_too_deep(json)) {
        set_not_json(failure);
        return false;
    }
    return parse_json(json, out, failure);
}

static char *append_escape(char *to, unsigned int unit)
{
    return to + sprintf(to, "\\u%04x", unit);
}

/*
 * Valid JSON in UTF-8 as the same JSON in ASCII: characters outside ASCII occur only in strings,
 * where an escape can replace them. jsonb_in() converts escapes with the conversion that the
 * server chose at the start of the session; any other way to convert would look for one in the
 * search_path.
 */
static char *escape_to_ascii(const char *utf8, size_t len)
{
    const unsigned char *from = (const unsigned char *)utf8;
    const unsigned char *end = from + len;
    char *json = palloc(len * 6 + 1); /* two octets become 6 or more, four octets 12 */
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
    Assert(from == end);
    Assert((size_t)(to - json) <= len * 6);
    return json;
}

bool pgsj_jsonb_from_utf8(const char *json, size_t len, Datum *out, pgsj_failure *failure)
{
    const int encoding = GetDatabaseEncoding();

    Assert(json[len] == '\0');
    /* A SQL_ASCII database stores octets without conversion. */
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return parse_json(json, out, failure);
    return parse_json(escape_to_ascii(json, len), out, failure);
}
