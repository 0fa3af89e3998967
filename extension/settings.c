/*
 * settings.c - every GUC of the extension.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "extension/parallel.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/trust.h"
#include "extension/trust_settings.h"
#include "extension/compat.h"

#define CLAIMS "request.jwt.claims"
#define JWK "pg_session_jwt.jwk"
#define JWT "pg_session_jwt.jwt"
#define AUDIT_LOG "pg_session_jwt.audit_log"
#define PARALLEL_STATE "pg_session_jwt.parallel_state"

char *pgsj_jwk;
char *pgsj_jwt;
char *pgsj_claims_setting;
bool pgsj_audit;
char *pgsj_parallel_state;
pgsj_mark *pgsj_mark_in_force;

static char *audit_setting;
/* We are setting PARALLEL_STATE, which nobody else may. */
static bool setting_parallel_state;

static bool no_memory(void)
{
    /* The server's own message would show the value, which is a token. */
    GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
    GUC_check_errmsg("out of memory");
    return false;
}

static bool check_jwt(char **value, void **extra, GucSource source)
{
    pgsj_mark *mark;

    (void)source;
    if (*value == NULL || (*value)[0] == '\0')
        return true;
    mark = pgsj_guc_extra(sizeof(*mark));
    if (mark == NULL)
        return no_memory();
    mark->accepted_as = 0;
    mark->inherited = InitializingParallelWorker;
    *extra = mark;
    return true;
}

static void assign_jwt(const char *value, void *extra)
{
    (void)value;
    pgsj_mark_in_force = extra;
    pgsj_session_token_changed();
}

static void assign_jwk(const char *value, void *extra)
{
    (void)extra;
    if (!pgsj_is_another(value, pgsj_jwk))
        return;
    pgsj_trust_changed();
    pgsj_session_changed();
}

static void assign_claims(const char *value, void *extra)
{
    (void)value;
    (void)extra;
    pgsj_session_changed();
}

static void assign_audit_log(const char *value, void *extra)
{
    (void)extra;
    pgsj_audit = value != NULL && strcmp(value, "on") == 0;
    pgsj_session_changed();
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

static void assign_parallel_state(const char *value, void *extra)
{
    (void)extra;
    if (InitializingParallelWorker)
        pgsj_parallel_receive(value);
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

    DefineCustomStringVariable(JWK, "The public key that verifies this session's tokens, as a JWK.",
                               "Settable in the configuration file and when connecting.", &pgsj_jwk,
                               NULL, PGC_BACKEND, GUC_NOT_WHILE_SEC_REST | GUC_NO_RESET_ALL | flags,
                               NULL, assign_jwk, NULL);
    if (pgsj_jwk == NULL && configured != NULL)
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
                               "Internal; cannot be set.", &pgsj_parallel_state,
                               PGSJ_PARALLEL_STATE_NONE, PGC_SUSET,
                               GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NO_RESET |
                                   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | flags,
                               check_parallel_state, assign_parallel_state, NULL);
    /* Only what is not at its default is sent to a worker. */
    setting_parallel_state = true;
    SetConfigOption(PARALLEL_STATE, PGSJ_PARALLEL_STATE_NONE, PGC_SUSET, PGC_S_OVERRIDE);
    setting_parallel_state = false;
}

void pgsj_settings_define(void)
{
    static const char *const names[] = {CLAIMS, JWK, JWT, AUDIT_LOG, PARALLEL_STATE};
    /* What was set before is applied also in the middle of a parallel query;
     * to set anything there is then forbidden as ever. */
    const int flags = IsInParallelMode() ? GUC_ALLOW_IN_PARALLEL : 0;
    GucSource source = PGC_S_DEFAULT;
    /* Before the first is defined: what is defined cannot be defined again. */
    const char *configured = configured_jwk(&source);
    bool keeps_jwk;

    /* The one name that another library might have taken: first, so that its
     * ERROR leaves nothing behind. */
    DefineCustomStringVariable(CLAIMS, "The claims that a trusted gateway hands over, as JSON.",
                               "They are the identity where no key is configured.",
                               &pgsj_claims_setting, NULL, PGC_USERSET,
                               GUC_NOT_WHILE_SEC_REST | flags, NULL, assign_claims, NULL);
    keeps_jwk = define_jwk(flags, configured, source);
    DefineCustomStringVariable(
        JWT, "The session's JSON Web Token.", "It is verified when it is first read.", &pgsj_jwt,
        NULL, PGC_USERSET, GUC_NOT_WHILE_SEC_REST | flags, check_jwt, assign_jwt, NULL);
    define_audit_log(flags);
    pgsj_trust_settings_define(flags, keeps_jwk ? NULL : JWK);
    define_parallel_state(flags);
    pgsj_trust_settings_unflag(flags);
    for (size_t i = 0; i < lengthof(names); i++)
        pgsj_find_setting(names[i])->flags &= ~flags;

    pgsj_reserve_prefix("pg_session_jwt");
}

void pgsj_set_token(const char *token, bool is_local)
{
    (void)set_config_option(JWT, token, PGC_USERSET, PGC_S_SESSION,
                            is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
}
