/*
 * settings.c - every GUC of the extension.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/varlena.h"

#include "jwt/sjwt.h"

#include "extension/settings.h"
#include "extension/compat.h"

#define CLAIMS "request.jwt.claims"
#define JWK "pg_session_jwt.jwk"
#define JWT "pg_session_jwt.jwt"
#define AUDIT_LOG "pg_session_jwt.audit_log"
#define PARALLEL_STATE "pg_session_jwt.parallel_state"

#define PARALLEL_STATE_LEN 21
#define PARALLEL_STATE_NONE "-00000000000000000000"

#define JWKS "pg_session_jwt.jwks"
#define JWKS_FILE "pg_session_jwt.jwks_file"
#define ISSUERS_FILE "pg_session_jwt.issuers_file"
#define ISSUER "pg_session_jwt.issuer"
#define AUDIENCE "pg_session_jwt.audience"
#define ALGORITHMS "pg_session_jwt.algorithms"
#define LEEWAY "pg_session_jwt.leeway"
#define REQUIRED_CLAIMS "pg_session_jwt.required_claims"
#define TOKEN_TYPES "pg_session_jwt.token_types"
#define CLAIMS_FALLBACK "pg_session_jwt.claims_fallback"

#define MAX_LEEWAY 3600

pgsj_setting_values pgsj_settings;

static const pgsj_settings_listener *listener;

static char *audit_setting;
/* We are setting PARALLEL_STATE, which nobody else may. */
static bool setting_parallel_state;

static bool set_no_memory_error(void)
{
    /* The server's own message would show the value, which is a token. */
    GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
    GUC_check_errmsg("out of memory");
    return false;
}

/* The server assigns the values of the configuration file each time it reads that
 * file. Only another value is a change: where nothing changes, an accepted token
 * stays accepted. in_force: the value that the setting's variable still has. */
static bool guc_string_changed(const char *value, const char *in_force)
{
    /* A parallel worker frees its own values before it takes its leader's. */
    if (InitializingParallelWorker)
        return true;
    if (value == NULL || in_force == NULL)
        return value != in_force;
    return strcmp(value, in_force) != 0;
}

static bool check_jwt(char **value, void **extra, GucSource source)
{
    pgsj_token_extra *token_extra;

    (void)source;
    if (*value == NULL || (*value)[0] == '\0')
        return true;
    token_extra = pgsj_guc_extra(sizeof(*token_extra));
    if (token_extra == NULL)
        return set_no_memory_error();
    token_extra->identity_id = 0;
    token_extra->from_leader = InitializingParallelWorker;
    *extra = token_extra;
    return true;
}

static void assign_jwt(const char *value, void *extra)
{
    (void)value;
    pgsj_settings.current_token_extra = extra;
    listener->token_changed();
}

static void assign_jwk(const char *value, void *extra)
{
    (void)extra;
    if (guc_string_changed(value, pgsj_settings.jwk))
        listener->trust_changed();
}

static void assign_claims(const char *value, void *extra)
{
    (void)value;
    (void)extra;
    listener->claims_changed();
}

static void assign_audit_log(const char *value, void *extra)
{
    (void)extra;
    pgsj_settings.audit = value != NULL && strcmp(value, "on") == 0;
    listener->audit_changed();
}

static bool check_parallel_state(char **value, void **extra, GucSource source)
{
    (void)value;
    (void)extra;
    if (source == PGC_S_DEFAULT || setting_parallel_state || InitializingParallelWorker)
        return true;
    GUC_check_errcode(ERRCODE_CANT_CHANGE_RUNTIME_PARAM);
    GUC_check_errmsg("parameter \"%s\" cannot be changed", PARALLEL_STATE);
    return false;
}

/* A flag, '+' or '-', and 20 digits. */
static void receive_leader_state(const char *state)
{
    listener->leader_state_received(state[0] == '+', strtoll(state + 1, NULL, 10));
}

static void assign_parallel_state(const char *value, void *extra)
{
    (void)extra;
    if (InitializingParallelWorker)
        receive_leader_state(value);
}

static const char *const trust_names[] = {
    JWKS,       JWKS_FILE, ISSUERS_FILE,    ISSUER,      AUDIENCE,
    ALGORITHMS, LEEWAY,    REQUIRED_CLAIMS, TOKEN_TYPES, CLAIMS_FALLBACK};
static bool defining;

static bool should_validate(const char *value, GucSource source)
{
    return value != NULL && value[0] != '\0' && !defining && !InitializingParallelWorker &&
           (source == PGC_S_FILE || source >= PGC_S_INTERACTIVE);
}

/*
 * The server's own message would show the value, which may hold a secret, and
 * its own error the statement with it.
 */
static bool refuse(const char *name, const char *detail, const char *hint, GucSource source)
{
    if (source >= PGC_S_INTERACTIVE)
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("invalid value for parameter \"%s\"", name),
                 detail != NULL ? errdetail_internal("%s", detail) : 0,
                 hint != NULL ? errhint("%s", hint) : 0, errhidestmt(true), errhidecontext(true)));
    /* The configuration file: an ERROR would keep the rest of it from being read. */
    GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
    GUC_check_errmsg("invalid value for parameter \"%s\"", name);
    if (detail != NULL)
        GUC_check_errdetail("%s", detail);
    return false;
}

static bool check_jwks(char **value, void **extra, GucSource source)
{
    sjwt_keyset *keys;
    sjwt_error error;
    char detail[256];

    (void)extra;
    /* No cryptography in the postmaster: its state would be each backend's. */
    if (!should_validate(*value, source) || !IsUnderPostmaster)
        return true;
    if (sjwt_keyset_parse(NULL, *value, strlen(*value), &keys, &error) != SJWT_OK) {
        snprintf(detail, sizeof(detail), "%s%s%s, at byte %zu.", sjwt_status_text(error.status),
                 error.detail[0] == '\0' ? "" : ": ", error.detail, error.position);
        return refuse(JWKS, detail,
                      sjwt_looks_like_token(*value, strlen(*value))
                          ? "This looks like a token. It belongs in pg_session_jwt.jwt."
                          : NULL,
                      source);
    }
    sjwt_keyset_free(keys);
    return true;
}

static bool check_algorithms(char **value, void **extra, GucSource source)
{
    sjwt_algorithm_set algorithms;
    sjwt_error error;
    char detail[256];

    (void)extra;
    if (!should_validate(*value, source) ||
        sjwt_algorithms_parse(*value, strlen(*value), &algorithms, &error) == SJWT_OK)
        return true;
    /* The core's own text would be about a token's header. */
    snprintf(detail, sizeof(detail),
             "What this list has at byte %zu is not the name of an algorithm that is known.",
             error.position);
    return refuse(ALGORITHMS, detail,
                  "auth.jwt_algorithms() tells the names. \"none\" is not one of them.", source);
}

static bool check_list(const char *name, const char *value, GucSource source)
{
    List *items = NIL;
    char *copy;
    bool parses;

    if (!should_validate(value, source))
        return true;
    copy = pstrdup(value);
    parses = SplitGUCList(copy, ',', &items) && items != NIL;
    list_free(items);
    pfree(copy);
    return parses || refuse(name, NULL, NULL, source);
}

static bool check_audience(char **value, void **extra, GucSource source)
{
    (void)extra;
    return check_list(AUDIENCE, *value, source);
}

static bool check_required_claims(char **value, void **extra, GucSource source)
{
    (void)extra;
    return check_list(REQUIRED_CLAIMS, *value, source);
}

static bool check_token_types(char **value, void **extra, GucSource source)
{
    (void)extra;
    return check_list(TOKEN_TYPES, *value, source);
}

#define ASSIGN_HOOK(setting)                                                                       \
    static void assign_##setting(const char *value, void *extra)                                   \
    {                                                                                              \
        (void)extra;                                                                               \
        if (guc_string_changed(value, pgsj_settings.setting))                                      \
            listener->trust_changed();                                                             \
    }

ASSIGN_HOOK(jwks)
ASSIGN_HOOK(jwks_file)
ASSIGN_HOOK(issuers_file)
ASSIGN_HOOK(issuer)
ASSIGN_HOOK(audience)
ASSIGN_HOOK(algorithms)
ASSIGN_HOOK(required_claims)
ASSIGN_HOOK(token_types)

static void assign_leeway(int value, void *extra)
{
    (void)extra;
    if (value != pgsj_settings.leeway)
        listener->trust_changed();
}

static void assign_claims_fallback(bool value, void *extra)
{
    (void)extra;
    if (value != pgsj_settings.claims_fallback)
        listener->trust_changed();
}

static void define_string(const char *name, const char *description, const char *more, char **value,
                          const char *boot, int flags, GucStringCheckHook check,
                          GucStringAssignHook assign)
{
    DefineCustomStringVariable(name, description, more, value, boot, PGC_SUSET, flags, check,
                               assign, NULL);
}

static void define_all(int flags)
{
    define_string(JWKS, "The keys of the issuer of tokens, as a JWK or a JWK Set.",
                  "Empty: none are pinned here.", &pgsj_settings.jwks, "",
                  GUC_SUPERUSER_ONLY | flags, check_jwks, assign_jwks);
    define_string(JWKS_FILE, "The file with the keys of the issuer of tokens.",
                  "The path is relative to the data directory.", &pgsj_settings.jwks_file, "",
                  flags, NULL, assign_jwks_file);
    define_string(ISSUERS_FILE, "The file with several issuers of tokens, each with its keys.",
                  "The path is relative to the data directory.", &pgsj_settings.issuers_file, "",
                  flags, NULL, assign_issuers_file);
    define_string(ISSUER, "The claim \"iss\" that a token must have, to the letter.",
                  "Empty: it is not looked at.", &pgsj_settings.issuer, "", flags, NULL,
                  assign_issuer);
    define_string(AUDIENCE, "The audiences of which a token must be for one.",
                  "Empty: the claim \"aud\" is not looked at.", &pgsj_settings.audience, "",
                  GUC_LIST_INPUT | flags, check_audience, assign_audience);
    define_string(ALGORITHMS, "The signature algorithms that are accepted.",
                  "Empty: all that the keys are for, but those with a shared secret.",
                  &pgsj_settings.algorithms, "", GUC_LIST_INPUT | flags, check_algorithms,
                  assign_algorithms);
    DefineCustomIntVariable(LEEWAY, "By how much clocks may differ, for \"exp\" and \"nbf\".", NULL,
                            &pgsj_settings.leeway, 60, 0, MAX_LEEWAY, PGC_SUSET, GUC_UNIT_S | flags,
                            NULL, assign_leeway, NULL);
    define_string(REQUIRED_CLAIMS, "The claims that a token must have.", NULL,
                  &pgsj_settings.required_claims, "exp", GUC_LIST_INPUT | flags,
                  check_required_claims, assign_required_claims);
    define_string(TOKEN_TYPES, "The types of token (\"typ\" in the header) that are accepted.",
                  "Empty: any, or none.", &pgsj_settings.token_types, "", GUC_LIST_INPUT | flags,
                  check_token_types, assign_token_types);
    DefineCustomBoolVariable(CLAIMS_FALLBACK, "Believes request.jwt.claims where there is no key.",
                             NULL, &pgsj_settings.claims_fallback, true, PGC_SUSET, flags, NULL,
                             assign_claims_fallback, NULL);
}

static void define_trust_settings(int flags, const char *refused)
{
    GucSource began_with[lengthof(trust_names)];

    for (size_t i = 0; i < lengthof(trust_names); i++) {
        const struct config_generic *placeholder = pgsj_find_setting(trust_names[i]);

        began_with[i] = placeholder == NULL ? PGC_S_DEFAULT : placeholder->reset_source;
    }
    defining = true;
    /* RESET ALL is for everybody, also in a session in which a superuser has
     * set them before giving it to another role. */
    define_all(GUC_NOT_WHILE_SEC_REST | GUC_NO_RESET_ALL | flags);
    for (size_t i = 0; i < lengthof(trust_names); i++)
        if (pgsj_find_setting(trust_names[i])->reset_source != began_with[i]) {
            refused = trust_names[i];
            break;
        }
    if (refused != NULL) {
        char value[NAMEDATALEN];

        snprintf(value, sizeof(value), PGSJ_REFUSED "%s", refused);
        SetConfigOption(JWKS, value, PGC_SUSET, PGC_S_OVERRIDE);
    }
    defining = false;
}

static void clear_trust_flags(int flags)
{
    for (size_t i = 0; i < lengthof(trust_names); i++)
        pgsj_find_setting(trust_names[i])->flags &= ~flags;
}

/*
 * The key that the configuration file or the connection came with. The server
 * may fail to apply it when the setting is defined only now: it does, and says
 * nothing, where the file was read again since the server's start. The client's
 * own claims would then be believed.
 */
static char *configured_jwk(GucSource *source)
{
    const struct config_generic *placeholder = pgsj_find_setting(JWK);

    if (placeholder == NULL ||
        (placeholder->reset_source != PGC_S_FILE && placeholder->reset_source != PGC_S_CLIENT))
        return NULL;
    *source = placeholder->reset_source;
    return pstrdup(((const struct config_string *)placeholder)->reset_val);
}

/* False: the connection began with a key that was refused, which may have hidden
 * that of the configuration file. */
static bool define_jwk(int flags, const char *configured, GucSource source)
{
    const struct config_generic *placeholder = pgsj_find_setting(JWK);
    const GucSource began_with = placeholder == NULL ? PGC_S_DEFAULT : placeholder->reset_source;

    DefineCustomStringVariable(
        JWK, "The public key that verifies this session's tokens, as a JWK.",
        "Settable in the configuration file and when connecting.", &pgsj_settings.jwk, NULL,
        PGC_BACKEND, GUC_NOT_WHILE_SEC_REST | GUC_NO_RESET_ALL | flags, NULL, assign_jwk, NULL);
    if (pgsj_settings.jwk == NULL && configured != NULL)
        SetConfigOption(JWK, configured, PGC_POSTMASTER, source);
    return pgsj_find_setting(JWK)->reset_source == began_with;
}

static void define_audit_log(int flags)
{
    const struct config_generic *placeholder = pgsj_find_setting(AUDIT_LOG);
    const bool client_asked = placeholder != NULL && placeholder->reset_source == PGC_S_CLIENT;

    DefineCustomStringVariable(AUDIT_LOG,
                               "Logs who is identified, whenever it is verified or read.",
                               "Only \"on\" turns it on.", &audit_setting, NULL, PGC_SUSET,
                               GUC_NOT_WHILE_SEC_REST | flags, NULL, assign_audit_log, NULL);
    /* What a client asked for without the right to has hidden what the
     * administrator wants, which may be an audit. */
    if (client_asked && pgsj_find_setting(AUDIT_LOG)->reset_source != PGC_S_CLIENT)
        SetConfigOption(AUDIT_LOG, "on", PGC_SUSET, PGC_S_OVERRIDE);
}

static void define_parallel_state(int flags)
{
    DefineCustomStringVariable(PARALLEL_STATE, "What parallel workers are told.",
                               "Internal; cannot be set.", &pgsj_settings.parallel_state,
                               PARALLEL_STATE_NONE, PGC_SUSET,
                               GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NO_RESET |
                                   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | flags,
                               check_parallel_state, assign_parallel_state, NULL);
    /* Only what is not at its default is sent to a worker. */
    setting_parallel_state = true;
    SetConfigOption(PARALLEL_STATE, PARALLEL_STATE_NONE, PGC_SUSET, PGC_S_OVERRIDE);
    setting_parallel_state = false;
}

void pgsj_settings_define(const pgsj_settings_listener *who_listens)
{
    static const char *const names[] = {CLAIMS, JWK, JWT, AUDIT_LOG, PARALLEL_STATE};
    /* What was set before is applied also in the middle of a parallel query;
     * to set anything there is then forbidden as ever. */
    const int flags = IsInParallelMode() ? GUC_ALLOW_IN_PARALLEL : 0;
    GucSource source = PGC_S_DEFAULT;
    /* Before the first is defined: what is defined cannot be defined again. */
    const char *configured = configured_jwk(&source);
    bool keeps_jwk;

    listener = who_listens;
    /* The one name that another library might have taken: first, so that its
     * ERROR leaves nothing behind. */
    DefineCustomStringVariable(CLAIMS, "The claims that a trusted gateway hands over, as JSON.",
                               "They are the identity where no key is configured.",
                               &pgsj_settings.claims, NULL, PGC_USERSET,
                               GUC_NOT_WHILE_SEC_REST | flags, NULL, assign_claims, NULL);
    keeps_jwk = define_jwk(flags, configured, source);
    DefineCustomStringVariable(JWT, "The session's JSON Web Token.",
                               "It is verified when it is first read.", &pgsj_settings.jwt, NULL,
                               PGC_USERSET, GUC_NOT_WHILE_SEC_REST | flags, check_jwt, assign_jwt,
                               NULL);
    define_audit_log(flags);
    define_trust_settings(flags, keeps_jwk ? NULL : JWK);
    define_parallel_state(flags);
    clear_trust_flags(flags);
    for (size_t i = 0; i < lengthof(names); i++)
        pgsj_find_setting(names[i])->flags &= ~flags;

    pgsj_reserve_prefix("pg_session_jwt");
}

void pgsj_set_token(const char *token, bool is_local)
{
    (void)set_config_option(JWT, token, PGC_USERSET, PGC_S_SESSION,
                            is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
}

void pgsj_settings_publish(bool accepted, int64 last_jti)
{
    /* In place, because SET is forbidden where this is called from: in an
     * assign hook and in the middle of a parallel query. The server reads the
     * string when it starts workers. */
    if (pgsj_settings.parallel_state != NULL)
        snprintf(pgsj_settings.parallel_state, PARALLEL_STATE_LEN + 1, "%c%020lld",
                 accepted ? '+' : '-', (long long)last_jti);
}
