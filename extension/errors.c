/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errors.c - the reasons why there is no identity, and the errors raised for them.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "extension/errors.h"

typedef struct report {
    int sqlstate;
    const char *message;
    char detail[PGSJ_DETAIL_SIZE]; /* "" for none */
    char hint[512];                /* likewise */
} report;

static void set(report *out, int sqlstate, const char *message)
{
    out->sqlstate = sqlstate;
    out->message = message;
}

/* Sets the detail to the text of the status. */
static void explain(report *out, const sjwt_error *error)
{
    snprintf(out->detail, sizeof(out->detail), "%s", sjwt_status_text(error->status));
}

/* The same, and the core's detail where there is one. */
static void explain_fully(report *out, const sjwt_error *error)
{
    snprintf(out->detail, sizeof(out->detail), "%s%s%s", sjwt_status_text(error->status),
             error->detail[0] == '\0' ? "" : ": ", error->detail);
}

char *pgsj_format_error(char *buf, size_t size, const sjwt_error *error)
{
    int len = snprintf(buf, size, "%s%s%s", sjwt_status_text(error->status),
                       error->detail[0] == '\0' ? "" : ": ", error->detail);

    if (error->position > 0 && len > 0 && (size_t)len < size)
        snprintf(buf + len, size - (size_t)len, ", at byte %zu", error->position);
    return buf;
}

static void name_backends(report *out)
{
    snprintf(out->hint, sizeof(out->hint),
             "This build verifies with: %s. See auth.jwt_algorithms().", sjwt_backend_names());
}

static void hint(report *out, const char *text)
{
    snprintf(out->hint, sizeof(out->hint), "%s", text);
}

static void hint_at_token_as_key(report *out, const pgsj_failure *failure)
{
    if (failure->key_is_token)
        hint(out, "pg_session_jwt.jwk has what looks like a token. A token belongs in "
                  "pg_session_jwt.jwt, and the public key that verifies it here.");
}

/* The core tells what the text has that is no part of a token. */
static void hint_at_form(report *out, const sjwt_error *error)
{
    if (error->detail[0] != '\0')
        snprintf(out->hint, sizeof(out->hint), "Give the token alone: %s.", error->detail);
}

static void describe_jwt(report *out, const pgsj_failure *failure)
{
    const sjwt_error *error = &failure->jwt;

    switch (error->status) {
    case SJWT_OK:
    case SJWT_STATUS_COUNT:
    case SJWT_REVOCATION_TOO_LARGE: /* said of a file, in the detail of another failure */
    case SJWT_REVOCATION_MALFORMED:
    case SJWT_REVOCATION_INVALID:
        set(out, ERRCODE_INTERNAL_ERROR, "JWT failed without a reason");
        return;
    case SJWT_NO_MEMORY:
        set(out, ERRCODE_OUT_OF_MEMORY, "out of memory");
        return;
    case SJWT_INTERNAL:
        set(out, ERRCODE_INTERNAL_ERROR, "crypto backend failed");
        strlcpy(out->detail, error->detail, sizeof(out->detail));
        return;

    case SJWT_TOO_LARGE:
        set(out, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "JWT is too large");
        snprintf(out->detail, sizeof(out->detail), "The limit is %d bytes.", SJWT_MAX_TOKEN_SIZE);
        return;
    case SJWT_MALFORMED:
        set(out, ERRCODE_DATATYPE_MISMATCH, "invalid JWT encoding");
        hint_at_form(out, error);
        return;
    case SJWT_SIGNATURE_ENCODING:
        set(out, ERRCODE_DATATYPE_MISMATCH, "invalid JWT signature encoding");
        hint_at_form(out, error);
        return;
    case SJWT_HEADER_ENCODING:
    case SJWT_PAYLOAD_ENCODING:
        set(out, ERRCODE_DATATYPE_MISMATCH, "could not decode JWT component");
        explain(out, error);
        hint_at_form(out, error);
        return;
    case SJWT_HEADER_JSON:
        set(out, ERRCODE_DATATYPE_MISMATCH, "could not parse JWT component");
        explain(out, error);
        hint_at_form(out, error);
        return;
    case SJWT_PAYLOAD_JSON:
        set(out, ERRCODE_DATATYPE_MISMATCH, "could not parse JWT component");
        explain_fully(out, error);
        return;

    case SJWT_ALG_MISSING:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT algorithm refused");
        explain(out, error);
        hint(out,
             "Name the algorithm in \"alg\" of the token's header. It may be absent only where "
             "pg_session_jwt.jwk verifies the token.");
        return;
    case SJWT_ALG_UNKNOWN:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT algorithm refused");
        explain(out, error);
        hint(out, "See auth.jwt_algorithms() for the names. \"none\" is never accepted.");
        return;
    case SJWT_ALG_NOT_ALLOWED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT algorithm refused");
        explain(out, error);
        hint(out, "The keys, or pg_session_jwt.algorithms, are for other algorithms. One with a "
                  "shared secret, as HS256, must be named in pg_session_jwt.algorithms.");
        return;
    case SJWT_ALG_MISMATCH:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT algorithm refused");
        explain(out, error);
        hint(out, "The key that the token asks for is a key for another algorithm.");
        return;
    case SJWT_ALG_UNSUPPORTED:
        set(out, ERRCODE_FEATURE_NOT_SUPPORTED, "JWT algorithm is not supported by this build");
        name_backends(out);
        return;
    case SJWT_CRITICAL_HEADER:
    case SJWT_KID_INVALID:
    case SJWT_TYPE_REFUSED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT header refused");
        explain(out, error);
        return;

    case SJWT_ISSUER_MISSING:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT issuer refused");
        explain(out, error);
        return;
    case SJWT_ISSUER_REFUSED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT issuer refused");
        explain_fully(out, error);
        hint(out,
             error->detail[0] != '\0'
                 ? "The issuer is compared octet by octet: write it in the settings exactly "
                   "as claim \"iss\" of the token has it."
                 : "Only issuers named by pg_session_jwt.issuer or pg_session_jwt.issuers_file "
                   "are trusted. sjwt decode shows claim \"iss\" of a token.");
        return;
    case SJWT_KEY_NOT_FOUND:
        set(out, ERRCODE_CHECK_VIOLATION, "no key for this JWT");
        if (error->detail[0] != '\0')
            explain_fully(out, error);
        hint(out, "sjwt decode shows the \"kid\" of a token, and sjwt check those of keys. When an "
                  "issuer has new keys, the server needs them before tokens of them come.");
        return;
    case SJWT_KEY_REFUSED:
        set(out, ERRCODE_CHECK_VIOLATION, "no key for this JWT");
        explain(out, error);
        return;
    case SJWT_KEYS_NOT_ALL_TRIED:
        set(out, ERRCODE_CHECK_VIOLATION, "no key for this JWT");
        explain(out, error);
        hint(out, "A token that names its key with \"kid\" is tried against the keys of that "
                  "\"kid\" alone.");
        return;
    case SJWT_SIGNATURE_INVALID:
        set(out, ERRCODE_CHECK_VIOLATION, "invalid JWT signature");
        return;

    case SJWT_CLAIM_MISSING:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT lacks a required claim");
        snprintf(out->detail, sizeof(out->detail), "%s", error->detail);
        return;
    case SJWT_CLAIM_REFUSED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT claim refused");
        snprintf(out->detail, sizeof(out->detail), "%s", error->detail);
        return;
    case SJWT_LIFETIME_REFUSED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT is valid for too long");
        hint(out, "See pg_session_jwt.max_lifetime, or \"max_lifetime\" of the issuer.");
        return;
    case SJWT_JTI_INVALID:
        set(out, ERRCODE_DATATYPE_MISMATCH, "JWT payload must contain a valid 'jti' (JWT ID)");
        hint(out, "With pg_session_jwt.jwk, each token needs a whole number as \"jti\", greater "
                  "than that of the token before in this connection.");
        return;
    case SJWT_JTI_REPLAYED:
        set(out, ERRCODE_CHECK_VIOLATION, "Token ID must be strictly monotonically increasing.");
        hint(out, "Each token of a connection needs a greater \"jti\" than the last one accepted "
                  "there. Sign a new token for each request.");
        return;
    case SJWT_NBF_INVALID:
        set(out, ERRCODE_DATATYPE_MISMATCH,
            "'nbf' (Not Before) must be an integer representing seconds since unix epoch");
        return;
    case SJWT_NOT_YET_VALID:
        set(out, ERRCODE_CHECK_VIOLATION, "Token used before it is ready");
        snprintf(out->detail, sizeof(out->detail), "nbf=%lld", (long long)error->seconds);
        return;
    case SJWT_EXP_INVALID:
        set(out, ERRCODE_DATATYPE_MISMATCH,
            "'exp' (Expiration) must be an integer representing seconds since unix epoch");
        return;
    case SJWT_EXPIRED:
        set(out, ERRCODE_CHECK_VIOLATION, "Token used after it has expired");
        snprintf(out->detail, sizeof(out->detail), "exp=%lld", (long long)error->seconds);
        return;
    case SJWT_IAT_INVALID:
        set(out, ERRCODE_DATATYPE_MISMATCH,
            "'iat' (Issued At) must be a number of seconds since unix epoch");
        return;
    case SJWT_AUDIENCE_MISSING:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT audience refused");
        explain(out, error);
        hint(out, "Ask the provider for tokens with an audience. Some providers name the client in "
                  "another claim, as \"client_id\" or \"azp\": see pg_session_jwt.claims.");
        return;
    case SJWT_AUDIENCE_INVALID:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT audience refused");
        explain(out, error);
        return;
    case SJWT_AUDIENCE_REFUSED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT audience refused");
        explain_fully(out, error);
        hint(out, error->detail[0] != '\0'
                      ? "The audience is compared octet by octet: write it in the settings exactly "
                        "as claim \"aud\" of the token has it."
                      : "The token is for another service, or pg_session_jwt.audience lacks this "
                        "one. sjwt decode shows claim \"aud\" of a token.");
        return;

    case SJWT_SUBJECT_REFUSED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT subject refused");
        explain(out, error);
        return;
    case SJWT_LOGOUT_INVALID:
        set(out, ERRCODE_CHECK_VIOLATION, "logout token refused");
        strlcpy(out->detail, error->detail, sizeof(out->detail));
        return;

    case SJWT_CLAIM_RULES_MALFORMED:
    case SJWT_CLAIM_RULES_INVALID:
        set(out, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "pg_session_jwt is misconfigured");
        explain_fully(out, error);
        return;
    case SJWT_ISSUERS_TOO_LARGE:
    case SJWT_ISSUERS_MALFORMED:
    case SJWT_ISSUERS_INVALID:
        set(out, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "no usable keys");
        explain_fully(out, error);
        return;

    case SJWT_JWK_UNSUPPORTED:
        set(out, ERRCODE_FEATURE_NOT_SUPPORTED,
            "pg_session_jwt.jwk needs an algorithm that this build does not support");
        name_backends(out);
        return;
    case SJWT_JWK_TOO_LARGE:
    case SJWT_JWK_MALFORMED:
    case SJWT_JWK_NOT_A_KEY:
    case SJWT_JWK_NOT_A_KEY_SET:
    case SJWT_JWK_KTY_UNKNOWN:
    case SJWT_JWK_CRV_UNKNOWN:
    case SJWT_JWK_MEMBER_INVALID:
    case SJWT_JWK_KEY_REFUSED:
    case SJWT_JWK_USE_REFUSED:
    case SJWT_JWK_ALG_UNKNOWN:
    case SJWT_JWK_ALG_MISMATCH:
    case SJWT_JWK_SYMMETRIC:
    case SJWT_JWK_TOO_MANY:
    case SJWT_JWK_REPEATED:
    case SJWT_JWK_NONE_USABLE:
        set(out, ERRCODE_DATATYPE_MISMATCH, "pg_session_jwt.jwk is not a usable public key");
        explain_fully(out, error);
        hint_at_token_as_key(out, failure);
        return;
    }
}

static void describe(report *out, const pgsj_failure *failure)
{
    *out = (report){0};
    switch (failure->kind) {
    case PGSJ_FAILURE_JWT:
        describe_jwt(out, failure);
        return;
    case PGSJ_FAILURE_NO_IDENTITY:
        set(out, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "no identity");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_SEALED:
        set(out, ERRCODE_INSUFFICIENT_PRIVILEGE, "identity is sealed");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_LOGIN:
        set(out, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "JWT is not accepted for this login");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_MISSING_KEY:
        set(out, ERRCODE_NO_DATA, "Missing runtime parameter: pg_session_jwt.jwk");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_ENCODING:
        set(out, ERRCODE_UNTRANSLATABLE_CHARACTER,
            "JWT cannot be represented in the database encoding");
        snprintf(out->detail, sizeof(out->detail), "The database encoding is %s.",
                 GetDatabaseEncodingName());
        return;
    case PGSJ_FAILURE_MISCONFIGURED:
        set(out, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "pg_session_jwt is misconfigured");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_KEY_FILE:
        set(out, ERRCODE_CHECK_VIOLATION, "no key for this JWT");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_NO_KEYS:
        set(out, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "no usable keys");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_REVOKED:
        set(out, ERRCODE_CHECK_VIOLATION, "JWT is revoked");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_NO_REVOCATIONS:
        set(out, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "no usable list of revoked tokens");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_KEYS_PINNED:
        set(out, ERRCODE_INSUFFICIENT_PRIVILEGE,
            "pg_session_jwt.jwk is not accepted: this server's keys are pinned");
        hint(out, "Connect without pg_session_jwt.jwk.");
        hint_at_token_as_key(out, failure);
        return;
    case PGSJ_FAILURE_MODE:
        set(out, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "JWT is not accepted in this mode");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        return;
    case PGSJ_FAILURE_JWK_IN_MODE:
        set(out, ERRCODE_INSUFFICIENT_PRIVILEGE, "pg_session_jwt.jwk is not accepted in this mode");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        hint(out, "Connect without pg_session_jwt.jwk.");
        return;
    case PGSJ_FAILURE_KEYS_IN_MODE:
        set(out, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "pinned keys are not used in this mode");
        strlcpy(out->detail, failure->detail, sizeof(out->detail));
        hint(out, "Set pg_session_jwt.mode to issuer, or unset the keys.");
        return;
    }
}

static void hide(void *arg)
{
    (void)arg;
    errhidestmt(true);
    errhidecontext(true);
}

static void hide_own(void *arg)
{
    switch (geterrcode()) {
    case ERRCODE_DATATYPE_MISMATCH:
    case ERRCODE_CHECK_VIOLATION:
    case ERRCODE_UNTRANSLATABLE_CHARACTER:
    case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
    case ERRCODE_INSUFFICIENT_PRIVILEGE:
    case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
    case ERRCODE_FEATURE_NOT_SUPPORTED:
    case ERRCODE_OUT_OF_MEMORY:
    case ERRCODE_INTERNAL_ERROR:
        hide(arg);
    }
}

static void push(ErrorContextCallback *callback, void (*function)(void *arg))
{
    callback->callback = function;
    callback->arg = NULL;
    callback->previous = error_context_stack;
    error_context_stack = callback;
}

void pgsj_hide_statement(ErrorContextCallback *callback)
{
    push(callback, hide);
}

void pgsj_hide_statement_of_worker(ErrorContextCallback *callback)
{
    push(callback, hide_own);
}

void pgsj_show_statement(const ErrorContextCallback *callback)
{
    error_context_stack = callback->previous;
}

static void describe_with_hint(report *out, const pgsj_failure *failure, const char *text)
{
    describe(out, failure);
    if (text != NULL)
        hint(out, text);
}

_Noreturn void pgsj_raise(const pgsj_failure *failure)
{
    pgsj_raise_with_hint(failure, NULL);
}

_Noreturn void pgsj_raise_with_hint(const pgsj_failure *failure, const char *hint)
{
    report out;

    describe_with_hint(&out, failure, hint);
    ereport(ERROR, (errcode(out.sqlstate), errmsg_internal("%s", out.message),
                    out.detail[0] != '\0' ? errdetail_internal("%s", out.detail) : 0,
                    out.hint[0] != '\0' ? errhint("%s", out.hint) : 0, errhidestmt(true),
                    errhidecontext(true)));
    pg_unreachable();
}

char *pgsj_explain(const pgsj_failure *failure)
{
    return pgsj_explain_with_hint(failure, NULL);
}

char *pgsj_explain_with_hint(const pgsj_failure *failure, const char *hint)
{
    StringInfoData text;
    report out;

    describe_with_hint(&out, failure, hint);
    initStringInfo(&text);
    appendStringInfoString(&text, out.message);
    if (out.detail[0] != '\0')
        appendStringInfo(&text, ": %s", out.detail);
    if (out.hint[0] != '\0')
        appendStringInfo(&text, "%s Hint: %s", text.data[text.len - 1] == '.' ? "" : ".", out.hint);
    return text.data;
}

const char *pgsj_failure_kind_name(pgsj_failure_kind kind)
{
    switch (kind) {
    case PGSJ_FAILURE_JWT:
        return "JWT";
    case PGSJ_FAILURE_MISSING_KEY:
        return "MISSING_KEY";
    case PGSJ_FAILURE_ENCODING:
        return "ENCODING";
    case PGSJ_FAILURE_MISCONFIGURED:
        return "MISCONFIGURED";
    case PGSJ_FAILURE_KEY_FILE:
        return "KEY_FILE";
    case PGSJ_FAILURE_NO_KEYS:
        return "NO_KEYS";
    case PGSJ_FAILURE_REVOKED:
        return "REVOKED";
    case PGSJ_FAILURE_NO_REVOCATIONS:
        return "NO_REVOCATIONS";
    case PGSJ_FAILURE_KEYS_PINNED:
        return "KEYS_PINNED";
    case PGSJ_FAILURE_MODE:
        return "MODE";
    case PGSJ_FAILURE_JWK_IN_MODE:
        return "JWK_IN_MODE";
    case PGSJ_FAILURE_KEYS_IN_MODE:
        return "KEYS_IN_MODE";
    case PGSJ_FAILURE_NO_IDENTITY:
        return "NO_IDENTITY";
    case PGSJ_FAILURE_SEALED:
        return "SEALED";
    case PGSJ_FAILURE_LOGIN:
        return "LOGIN";
    }
    return NULL;
}

bool pgsj_set_failure(pgsj_failure *failure, pgsj_failure_kind kind, const char *format, ...)
{
    va_list arguments;
    int len;

    va_start(arguments, format);
    vsnprintf(failure->detail, sizeof(failure->detail), format, arguments);
    va_end(arguments);
    len = (int)strlen(failure->detail);
    failure->detail[pg_mbcliplen(failure->detail, len, len)] = '\0';
    failure->kind = kind;
    return false;
}

void pgsj_raise_unless_verdict(const pgsj_failure *failure)
{
    if (failure->kind == PGSJ_FAILURE_JWT && sjwt_status_is_transient(failure->jwt.status))
        pgsj_raise(failure);
}

_Noreturn void pgsj_raise_unusable_keys(const sjwt_error *error)
{
    char detail[PGSJ_DETAIL_SIZE];

    pgsj_raise_unless_verdict(&(pgsj_failure){.kind = PGSJ_FAILURE_JWT, .jwt = *error});
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no usable keys to verify with"),
             errdetail_internal("%s", pgsj_format_error(detail, sizeof(detail), error)),
             errhidestmt(true), errhidecontext(true)));
    pg_unreachable();
}

_Noreturn void pgsj_raise_too_large_keys(int limit)
{
    ereport(ERROR,
            (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("keys to verify with are too large"),
             errdetail("The limit is %d bytes.", limit), errhidestmt(true), errhidecontext(true)));
    pg_unreachable();
}

_Noreturn void pgsj_raise_sealed(const char *detail)
{
    pgsj_failure failure;

    (void)pgsj_set_failure(&failure, PGSJ_FAILURE_SEALED, "%s", detail);
    pgsj_raise(&failure);
}

_Noreturn void pgsj_raise_invalid_subject(void)
{
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("invalid subject claim in the JWT"),
                    errhidestmt(true), errhidecontext(true)));
    pg_unreachable();
}
