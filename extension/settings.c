/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - defines every setting of setting_table.h, keeps their values, and
 * tells the listener what changes.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "utils/guc.h"

#include "extension/setting_checks.h"
#include "extension/settings.h"
#include "extension/compat.h"

/* RESET ALL is allowed to everybody, also in a session in which a superuser set
 * values before another role got it. */
#define PINNING (GUC_NOT_WHILE_SEC_REST | GUC_NO_RESET_ALL)
#define INTERNAL                                                                                   \
    (GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NO_RESET | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE)

/* parallel_state: is the token accepted ('+' or '-') and the last jti, as 20 digits;
 * then the name of the refused setting, if there is one. */
#define PUBLISHED_LEN 21
#define PARALLEL_STATE_NONE "-00000000000000000000"

pgsj_setting_values pgsj_settings;

#define NAME(member, name, ...) .member = (name),
const pgsj_setting_name_list pgsj_setting_names = {PGSJ_SETTINGS(NAME, NAME, NAME, NAME)};

static const struct config_enum_entry mode_names[] = {
    {"auto", PGSJ_MODE_AUTO, false},     {"none", PGSJ_MODE_NONE, false},
    {"claims", PGSJ_MODE_CLAIMS, false}, {"session_key", PGSJ_MODE_SESSION_KEY, false},
    {"issuer", PGSJ_MODE_ISSUER, false}, {NULL, 0, false},
};

static struct {
    const pgsj_settings_listener *listener;
    bool setting_parallel_state; /* by this file, the only one that may */
} state;

/* ---- checks ------------------------------------------------------------ */

static bool accept_value(const char *name, const char *value, void **extra, GucSource source)
{
    (void)name;
    (void)value;
    (void)extra;
    (void)source;
    return true;
}

static bool accept_integer(const char *name, int value, GucSource source)
{
    (void)name;
    (void)value;
    (void)source;
    return true;
}

static bool check_token(const char *name, const char *value, void **extra, GucSource source)
{
    pgsj_token_extra *token_extra;

    (void)name;
    (void)source;
    if (value == NULL || value[0] == '\0')
        return true;
    token_extra = pgsj_guc_extra(sizeof(*token_extra));
    if (token_extra == NULL) {
        /* The server's own message would show the value, which is a token. */
        GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
        GUC_check_errmsg("out of memory");
        return false;
    }
    token_extra->identity_id = 0;
    token_extra->from_leader = InitializingParallelWorker;
    *extra = token_extra;
    return true;
}

static bool check_parallel_state(const char *name, const char *value, void **extra,
                                 GucSource source)
{
    (void)value;
    (void)extra;
    if (source == PGC_S_DEFAULT || state.setting_parallel_state || InitializingParallelWorker)
        return true;
    GUC_check_errcode(ERRCODE_CANT_CHANGE_RUNTIME_PARAM);
    GUC_check_errmsg("parameter \"%s\" cannot be changed", name);
    return false;
}

/* ---- events ------------------------------------------------------------ */

static void no_event(bool changed, const char *value, void *extra)
{
    (void)changed;
    (void)value;
    (void)extra;
}

static void claims_event(bool changed, const char *value, void *extra)
{
    (void)value;
    (void)extra;
    if (changed)
        state.listener->claims_changed();
}

static void trust_event(bool changed, const char *value, void *extra)
{
    (void)value;
    (void)extra;
    if (changed)
        state.listener->trust_changed();
}

static void token_event(bool changed, const char *value, void *extra)
{
    (void)changed;
    (void)value;
    pgsj_settings.current_token_extra = extra;
    state.listener->token_changed();
}

static void audit_event(bool changed, const char *value, void *extra)
{
    (void)extra;
    pgsj_settings.audit = value != NULL && strcmp(value, "on") == 0;
    if (changed)
        state.listener->audit_changed();
}

static void parallel_state_event(bool changed, const char *value, void *extra)
{
    (void)changed;
    (void)extra;
    Assert(strlen(value) >= PUBLISHED_LEN);
    pgsj_settings.refused_setting = value[PUBLISHED_LEN] == '\0' ? NULL : value + PUBLISHED_LEN;
    if (InitializingParallelWorker)
        state.listener->leader_state_received(value[0] == '+', strtoll(value + 1, NULL, 10));
}

/* ---- hooks ------------------------------------------------------------- */

/*
 * The server assigns the values of the configuration file each time it reads that
 * file. Only another value is a change: where nothing changes, an accepted token
 * stays accepted. current: the value that the setting's variable still has.
 */
static bool guc_string_changed(const char *value, const char *current)
{
    /* A parallel worker frees its own values before it takes its leader's. */
    if (InitializingParallelWorker)
        return true;
    if (value == NULL || current == NULL)
        return value != current;
    return strcmp(value, current) != 0;
}

/* The server does not tell a hook which setting it is called for, so each has its own. */
#define STRING_HOOKS(member, name, boot, context, flags, check, event, brief, more)                \
    static bool member##_check(char **value, void **extra, GucSource source)                       \
    {                                                                                              \
        return check(name, *value, extra, source);                                                 \
    }                                                                                              \
    static void member##_assign(const char *value, void *extra)                                    \
    {                                                                                              \
        event(guc_string_changed(value, pgsj_settings.member), value, extra);                      \
    }
#define INTEGER_HOOKS(member, name, boot, least, greatest, context, flags, check, event, brief,    \
                      more)                                                                        \
    static bool member##_check(int *value, void **extra, GucSource source)                         \
    {                                                                                              \
        (void)extra;                                                                               \
        return check(name, *value, source);                                                        \
    }                                                                                              \
    static void member##_assign(int value, void *extra)                                            \
    {                                                                                              \
        event(value != pgsj_settings.member, NULL, extra);                                         \
    }
#define BOOLEAN_HOOKS(member, name, boot, context, flags, event, brief, more)                      \
    static void member##_assign(bool value, void *extra)                                           \
    {                                                                                              \
        event(value != pgsj_settings.member, NULL, extra);                                         \
    }
#define ENUM_HOOKS(member, name, boot, values, context, flags, event, brief, more)                 \
    static void member##_assign(int value, void *extra)                                            \
    {                                                                                              \
        event(value != pgsj_settings.member, NULL, extra);                                         \
    }
PGSJ_SETTINGS(STRING_HOOKS, INTEGER_HOOKS, BOOLEAN_HOOKS, ENUM_HOOKS)

/* ---- definition -------------------------------------------------------- */

typedef struct setting {
    const char *name;
    void (*event)(bool changed, const char *value, void *extra);
} setting;

#define STRING_ROW(member, name, boot, context, flags, check, event, brief, more) {name, event},
#define INTEGER_ROW(member, name, boot, least, greatest, context, flags, check, event, brief,      \
                    more)                                                                          \
    {name, event},
#define BOOLEAN_ROW(member, name, boot, context, flags, event, brief, more) {name, event},
#define ENUM_ROW(member, name, boot, values, context, flags, event, brief, more) {name, event},
static const setting settings[] = {PGSJ_SETTINGS(STRING_ROW, INTEGER_ROW, BOOLEAN_ROW, ENUM_ROW)};

static void define_all(int more_flags)
{
#define DEFINE_STRING(member, name, boot, context, flags, check, event, brief, more)               \
    DefineCustomStringVariable(name, brief, more, &pgsj_settings.member, boot, context,            \
                               (flags) | more_flags, member##_check, member##_assign, NULL);
#define DEFINE_INTEGER(member, name, boot, least, greatest, context, flags, check, event, brief,   \
                       more)                                                                       \
    DefineCustomIntVariable(name, brief, more, &pgsj_settings.member, boot, least, greatest,       \
                            context, (flags) | more_flags, member##_check, member##_assign, NULL);
#define DEFINE_BOOLEAN(member, name, boot, context, flags, event, brief, more)                     \
    DefineCustomBoolVariable(name, brief, more, &pgsj_settings.member, boot, context,              \
                             (flags) | more_flags, NULL, member##_assign, NULL);
#define DEFINE_ENUM(member, name, boot, values, context, flags, event, brief, more)                \
    DefineCustomEnumVariable(name, brief, more, &pgsj_settings.member, boot, values, context,      \
                             (flags) | more_flags, NULL, member##_assign, NULL);
    PGSJ_SETTINGS(DEFINE_STRING, DEFINE_INTEGER, DEFINE_BOOLEAN, DEFINE_ENUM)
}

/*
 * The value of jwk from the configuration file or the start of the connection; *source is
 * then set. The server may not apply it when the library defines the setting later: if the
 * file was read again since the server's start, it drops the value without a message. The
 * client's own claims would then be believed.
 */
static char *configured_jwk(GucSource *source)
{
    *source = pgsj_setting_reset_source(pgsj_setting_names.jwk);
    if (*source != PGC_S_FILE && *source != PGC_S_CLIENT)
        return NULL;
    return pstrdup(GetConfigOptionResetString(pgsj_setting_names.jwk));
}

/* Of the settings that decide which tokens are accepted, the first whose value from before
 * the definition was refused by the server; NULL: none. */
static const char *find_refused(const GucSource *began_with)
{
    for (size_t i = 0; i < lengthof(settings); i++)
        if (settings[i].event == trust_event &&
            pgsj_setting_reset_source(settings[i].name) != began_with[i])
            return settings[i].name;
    return NULL;
}

static void set_parallel_state(const char *refused)
{
    char value[PUBLISHED_LEN + NAMEDATALEN];

    snprintf(value, sizeof(value), "%s%s", PARALLEL_STATE_NONE, refused == NULL ? "" : refused);
    /* The server sends a worker only what is not at its default. */
    state.setting_parallel_state = true;
    SetConfigOption(pgsj_setting_names.parallel_state, value, PGC_SUSET, PGC_S_OVERRIDE);
    state.setting_parallel_state = false;
}

static void clear_flags(int flags)
{
    for (size_t i = 0; i < lengthof(settings); i++)
        pgsj_setting_clear_flags(settings[i].name, flags);
}

/*
 * If a transaction resets a setting and then loads the library, the server applies the value from
 * before the transaction again, and skips the RESET. Then this function does it. source: of the
 * value before the definition. Only settings that every role can set are reset.
 */
static void reset_again(const char *name, GucSource source)
{
    if (source < PGC_S_SESSION && pgsj_setting_source(name) == PGC_S_SESSION)
        (void)set_config_option(name, NULL, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0,
                                false);
}

void pgsj_settings_define(const pgsj_settings_listener *listener)
{
    /* Lets the server apply earlier values in the middle of a parallel query. Afterwards,
     * setting anything there is forbidden again. */
    const int flags = IsInParallelMode() ? GUC_ALLOW_IN_PARALLEL : 0;
    const bool client_audits =
        pgsj_setting_reset_source(pgsj_setting_names.audit_log) == PGC_S_CLIENT;
    const GucSource token_source = pgsj_setting_source(pgsj_setting_names.jwt);
    const GucSource claims_source = pgsj_setting_source(pgsj_setting_names.claims);
    GucSource began_with[lengthof(settings)];
    GucSource jwk_source = PGC_S_DEFAULT;
    const char *jwk = configured_jwk(&jwk_source);

    for (size_t i = 0; i < lengthof(settings); i++)
        began_with[i] = pgsj_setting_reset_source(settings[i].name);

    state.listener = listener;
    pgsj_setting_checks_pause(true);
    define_all(flags);
    pgsj_setting_checks_pause(false);

    if (pgsj_settings.jwk == NULL && jwk != NULL)
        SetConfigOption(pgsj_setting_names.jwk, jwk, PGC_POSTMASTER, jwk_source);
    /* The client asked for a value without having the right, and that hid the
     * administrator's value, which may be "on". */
    if (client_audits && pgsj_setting_reset_source(pgsj_setting_names.audit_log) != PGC_S_CLIENT)
        SetConfigOption(pgsj_setting_names.audit_log, "on", PGC_SUSET, PGC_S_OVERRIDE);
    set_parallel_state(find_refused(began_with));
    reset_again(pgsj_setting_names.jwt, token_source);
    reset_again(pgsj_setting_names.claims, claims_source);

    clear_flags(flags);
    pgsj_reserve_prefix("pg_session_jwt");
}

/* ---- changes from here ------------------------------------------------- */

void pgsj_set_token(const char *token, bool is_local)
{
    (void)set_config_option(pgsj_setting_names.jwt, token, PGC_USERSET, PGC_S_SESSION,
                            is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
}

void pgsj_settings_publish(bool accepted, int64 last_jti)
{
    char published[PUBLISHED_LEN + 1];

    /* The settings are not defined yet. */
    if (pgsj_settings.parallel_state == NULL)
        return;
    Assert(last_jti >= 0);
    snprintf(published, sizeof(published), "%c%020lld", accepted ? '+' : '-', (long long)last_jti);
    /* In place, because SET is forbidden where this is called from: in an assign
     * hook and in the middle of a parallel query. The server reads the string when
     * it starts workers. */
    memcpy(pgsj_settings.parallel_state, published, PUBLISHED_LEN);
}
