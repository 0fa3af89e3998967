/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - defines every setting of setting_table.h, keeps their values, and
 * tells the listener what changes.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "extension/errors.h"
#include "extension/near_setting.h"
#include "extension/setting_checks.h"
#include "extension/settings.h"
#include "extension/compat.h"

/* RESET ALL is allowed to everybody, also in a session in which a superuser set
 * values before another role got it. */
#define PINNING (GUC_NOT_WHILE_SEC_REST | GUC_NO_RESET_ALL)
#define INTERNAL                                                                                   \
    (GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NO_RESET | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE)

/* parallel_state: a pgsj_leader_state, and whether the session is sealed ('+' or '-'). Then the
 * name of the refused setting, if there is one. While workers may start, then TOKEN_MARK and the
 * token. */
#define PUBLISHED_FORMAT "%c%020lld%020lld%d"
#define SEALED_AT 42
#define PUBLISHED_LEN 43
#define PARALLEL_STATE_NONE "-00000000000000000000000000000000000000000-"
StaticAssertDecl(sizeof(PARALLEL_STATE_NONE) == PUBLISHED_LEN + 1, "it has the published length");
#define TOKEN_MARK "\n"

/* What SHOW has for a sealed token, and the value that the server keeps for any token. */
#define HIDDEN_TOKEN "(sealed)"

pgsj_setting_values pgsj_settings;

#define NAME(member, name, ...) .member = (name),
const pgsj_setting_name_list pgsj_setting_names = {PGSJ_SETTINGS(NAME, NAME, NAME, NAME)};

static const struct config_enum_entry mode_names[] = {
    {"auto", PGSJ_MODE_AUTO, false},     {"none", PGSJ_MODE_NONE, false},
    {"claims", PGSJ_MODE_CLAIMS, false}, {"session_key", PGSJ_MODE_SESSION_KEY, false},
    {"issuer", PGSJ_MODE_ISSUER, false}, {NULL, 0, false},
};

static const struct config_enum_entry login_names[] = {
    {"any", PGSJ_LOGIN_ANY, false}, {"only", PGSJ_LOGIN_ONLY, false}, {NULL, 0, false}};

static const struct config_enum_entry login_expiry_names[] = {
    {"refuse", PGSJ_LOGIN_REFUSE, false},
    {"disconnect", PGSJ_LOGIN_DISCONNECT, false},
    {NULL, 0, false},
};

#define SEALED_BY_LOGIN "The login with a token sealed it until the end of the connection."
#define ONLY_THIS_LOGIN "Setting pg_session_jwt.login allows only the token of the login."
#define ONLY_LOGINS                                                                                \
    "Setting pg_session_jwt.login allows only the token of a login, and this connection logged "   \
    "in without one."

static struct {
    const pgsj_settings_listener *listener;
    bool setting_parallel_state; /* by this file, the only one that may */
    bool logging_in;             /* pgsj_settings_log_in() sets pg_session_jwt.jwt */
    pgsj_session_token *login;   /* NULL: the connection did not log in with a token */
    /* Of the value of pg_session_jwt.jwt; NULL: it has none. */
    pgsj_session_token *token;

    /* In a parallel worker: */
    pgsj_session_token *leader_token; /* NULL: the leader sent none */
    bool leader_token_lost;           /* there was no memory for it */
    char leader_refused_setting[NAMEDATALEN];
} state;

/* ---- tokens ------------------------------------------------------------ */

pgsj_session_token *pgsj_session_token_init(void *memory, const char *text, size_t len)
{
    pgsj_session_token *token = memory;

    token->identity_id = 0;
    token->from_leader = false;
    token->from_login = false;
    token->len = len;
    memcpy(token->text, text, len);
    token->text[len] = '\0';
    return token;
}

pgsj_session_token *pgsj_settings_leader_token(void)
{
    if (state.leader_token_lost)
        ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"), errhidestmt(true),
                        errhidecontext(true)));
    return state.leader_token;
}

pgsj_session_token *pgsj_settings_token(void)
{
    pgsj_session_token *token = state.token;

    if (token == NULL)
        return NULL;
    if (token->from_login)
        return state.login;
    if (!token->from_leader)
        return token;
    token = pgsj_settings_leader_token();
    if (token == NULL)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("parallel worker has no token"),
                        errhint("Call auth.init() before the query, or add pg_session_jwt to "
                                "session_preload_libraries."),
                        errhidestmt(true), errhidecontext(true)));
    return token;
}

pgsj_session_token *pgsj_settings_login_token(void)
{
    return state.login;
}

const char *pgsj_settings_sealed(void)
{
    if (pgsj_settings.sealed != NULL)
        return pgsj_settings.sealed;
    if (pgsj_settings.login == PGSJ_LOGIN_ONLY)
        return state.login != NULL ? ONLY_THIS_LOGIN : ONLY_LOGINS;
    return state.login != NULL && pgsj_settings.seal ? SEALED_BY_LOGIN : NULL;
}

/* A token for a check hook's extra; NULL: there is no memory. */
static pgsj_session_token *make_extra(const char *text, size_t len)
{
    void *memory = pgsj_guc_malloc(PGSJ_SESSION_TOKEN_SIZE(len));

    return memory == NULL ? NULL : pgsj_session_token_init(memory, text, len);
}

/* ---- checks ------------------------------------------------------------ */

static bool accept_value(const char *name, const char *value, void **extra, GucSource source)
{
    (void)name;
    (void)value;
    (void)extra;
    (void)source;
    return true;
}

/* The server's own message would show the value, which may be a token. */
static bool fail_without_memory(void)
{
    GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
    GUC_check_errmsg("out of memory");
    return false;
}

bool pgsj_setting_is_identity(const char *name)
{
    return pg_strcasecmp(name, pgsj_setting_names.jwt) == 0 ||
           pg_strcasecmp(name, pgsj_setting_names.claims) == 0;
}

/* Once for each setting in a session. A parallel worker's leader warned already. */
static void warn_of_stored_value(const char *name)
{
    static bool warned[2];
    bool *this_one = &warned[strcmp(name, pgsj_setting_names.jwt) == 0];

    if (*this_one || InitializingParallelWorker || IsParallelWorker())
        return;
    *this_one = IsUnderPostmaster;
    ereport(WARNING,
            (errcode(ERRCODE_WARNING), errmsg("stored value of \"%s\" is ignored", name),
             errdetail("A value of a role, a database or the configuration file is no identity."),
             errhint("Remove it with ALTER ROLE ... RESET or ALTER DATABASE ... RESET, or from the "
                     "file."),
             errhidestmt(true), errhidecontext(true)));
}

/* Whoever may store a setting for others would decide who they are. Sessions whose client
 * brings no identity have none. */
static bool ignore_stored_value(const char *name, char **value, GucSource source)
{
    char *unset;

    if (source == PGC_S_DEFAULT || source >= PGC_S_CLIENT || *value == NULL || **value == '\0' ||
        InitializingParallelWorker || !pgsj_setting_is_identity(name))
        return true;
    unset = pgsj_guc_malloc(1);
    if (unset == NULL)
        return fail_without_memory();
    unset[0] = '\0';
    pgsj_guc_free(*value);
    *value = unset;
    warn_of_stored_value(name);
    return true;
}

static bool accept_integer(const char *name, int value, GucSource source)
{
    (void)name;
    (void)value;
    (void)source;
    return true;
}

/* Also hides the token: hide_token(). */
static bool check_token(const char *name, const char *value, void **extra, GucSource source)
{
    const char *sealed = pgsj_settings_sealed();
    pgsj_session_token *token;

    (void)name;
    /* PGC_S_TEST: a function's SET clause is stored, and nothing set. A parallel worker that starts
     * gets its leader's settings in any order. */
    if (sealed != NULL && source >= PGC_S_INTERACTIVE && source != PGC_S_TEST &&
        !InitializingParallelWorker)
        pgsj_raise_sealed(sealed);
    if (value == NULL || value[0] == '\0')
        return true;
    token = InitializingParallelWorker || state.logging_in ? make_extra("", 0)
                                                           : make_extra(value, strlen(value));
    if (token == NULL)
        return fail_without_memory();
    token->from_leader = InitializingParallelWorker;
    token->from_login = state.logging_in;
    *extra = token;
    return true;
}

/* After check_token(). */
static bool hide_token(char **value, void **extra)
{
    char *hidden;

    if (*extra == NULL || *value == NULL)
        return true;
    hidden = pgsj_guc_malloc(sizeof(HIDDEN_TOKEN));
    if (hidden == NULL) {
        pgsj_guc_free(*extra);
        *extra = NULL;
        return fail_without_memory();
    }
    memcpy(hidden, HIDDEN_TOKEN, sizeof(HIDDEN_TOKEN));
    explicit_bzero(*value, strlen(*value));
    pgsj_guc_free(*value);
    *value = hidden;
    return true;
}

static bool check_parallel_state(const char *name, const char *value, void **extra,
                                 GucSource source)
{
    const char *token;

    (void)name;
    if (InitializingParallelWorker) {
        token = value == NULL ? NULL : strstr(value, TOKEN_MARK);
        /* An error here would have the value as context. */
        if (token != NULL)
            *extra = make_extra(token + 1, strlen(token + 1));
        return true;
    }
    if (source == PGC_S_DEFAULT || state.setting_parallel_state)
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
    state.token = extra;
    state.listener->token_changed();
}

static void audit_event(bool changed, const char *value, void *extra)
{
    (void)extra;
    pgsj_settings.audit = value != NULL && strcmp(value, "on") == 0;
    if (changed)
        state.listener->audit_changed();
}

/* The number that these len octets of value spell. */
static int64 published_number(const char *value, size_t offset, size_t len)
{
    char digits[PUBLISHED_LEN];

    memcpy(digits, value + offset, len);
    digits[len] = '\0';
    return strtoll(digits, NULL, 10);
}

static void receive_leader_state(const char *value)
{
    const pgsj_leader_state leader = {
        .accepted = value[0] == '+',
        .last_jti = published_number(value, 1, 20),
        .statement = published_number(value, 21, 20),
        .subjects = (int)published_number(value, 41, 1),
    };

    state.listener->leader_state_received(&leader, value[SEALED_AT] == '+');
}

static void parallel_state_event(bool changed, const char *value, void *extra)
{
    (void)changed;
    Assert(strlen(value) >= PUBLISHED_LEN);
    if (!InitializingParallelWorker) {
        pgsj_settings.refused_setting = value[PUBLISHED_LEN] == '\0' ? NULL : value + PUBLISHED_LEN;
        return;
    }
    strlcpy(
        state.leader_refused_setting, value + PUBLISHED_LEN,
        Min(sizeof(state.leader_refused_setting), strcspn(value + PUBLISHED_LEN, TOKEN_MARK) + 1));
    pgsj_settings.refused_setting =
        state.leader_refused_setting[0] == '\0' ? NULL : state.leader_refused_setting;
    state.leader_token = extra;
    if (state.leader_token != NULL)
        state.leader_token->from_leader = true;
    state.leader_token_lost = extra == NULL && strstr(value, TOKEN_MARK) != NULL;
    receive_leader_state(value);
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

/* What SHOW has for a string. */
static const char *show(const void *setting, const char *value)
{
    const pgsj_session_token *token;

    if (setting == &pgsj_settings.parallel_state)
        return "";
    if (setting != &pgsj_settings.jwt)
        return value == NULL ? "" : value;
    if (pgsj_settings_sealed() != NULL)
        return HIDDEN_TOKEN;
    token = pgsj_settings_token();
    return token == NULL ? "" : token->text;
}

/* The server does not tell a hook which setting it is called for, so each has its own. */
#define STRING_HOOKS(member, name, boot, context, flags, check, event, brief, more)                \
    static bool member##_check(char **value, void **extra, GucSource source)                       \
    {                                                                                              \
        return ignore_stored_value(name, value, source) && check(name, *value, extra, source) &&   \
               ((void *)&pgsj_settings.member != &pgsj_settings.jwt || hide_token(value, extra));  \
    }                                                                                              \
    static const char *member##_show(void)                                                         \
    {                                                                                              \
        return show(&pgsj_settings.member, pgsj_settings.member);                                  \
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

static void define_all(int more_flags, pgsj_definition *definition)
{
#define DEFINE_STRING(member, name, boot, context, flags, check, event, brief, more)               \
    pgsj_begin_definition(definition, name);                                                       \
    DefineCustomStringVariable(name, brief, more, &pgsj_settings.member, boot, context,            \
                               (flags) | more_flags, member##_check, member##_assign,              \
                               member##_show);                                                     \
    pgsj_end_definition(definition);
#define DEFINE_INTEGER(member, name, boot, least, greatest, context, flags, check, event, brief,   \
                       more)                                                                       \
    pgsj_begin_definition(definition, name);                                                       \
    DefineCustomIntVariable(name, brief, more, &pgsj_settings.member, boot, least, greatest,       \
                            context, (flags) | more_flags, member##_check, member##_assign, NULL); \
    pgsj_end_definition(definition);
#define DEFINE_BOOLEAN(member, name, boot, context, flags, event, brief, more)                     \
    pgsj_begin_definition(definition, name);                                                       \
    DefineCustomBoolVariable(name, brief, more, &pgsj_settings.member, boot, context,              \
                             (flags) | more_flags, NULL, member##_assign, NULL);                   \
    pgsj_end_definition(definition);
#define DEFINE_ENUM(member, name, boot, values, context, flags, event, brief, more)                \
    pgsj_begin_definition(definition, name);                                                       \
    DefineCustomEnumVariable(name, brief, more, &pgsj_settings.member, boot, values, context,      \
                             (flags) | more_flags, NULL, member##_assign, NULL);                   \
    pgsj_end_definition(definition);
    PGSJ_SETTINGS(DEFINE_STRING, DEFINE_INTEGER, DEFINE_BOOLEAN, DEFINE_ENUM)
}

/* An ERROR leaves all settings of the server in their places. */
static void define_settings(int more_flags)
{
    pgsj_definition definition;

    pgsj_prepare_definitions(&definition, lengthof(settings));
    PG_TRY();
    {
        define_all(more_flags, &definition);
    }
    PG_CATCH();
    {
        pgsj_end_definition(&definition);
        PG_RE_THROW();
    }
    PG_END_TRY();
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

bool pgsj_settings_pin_keys_of_one_issuer(void)
{
    return pgsj_is_set(pgsj_settings.jwks) || pgsj_is_set(pgsj_settings.jwks_file) ||
           pgsj_is_set(pgsj_settings.jwks_files) || pgsj_is_set(pgsj_settings.jwks_url) ||
           pgsj_settings.discovery;
}

bool pgsj_settings_pin_keys(void)
{
    return pgsj_settings_pin_keys_of_one_issuer() || pgsj_is_set(pgsj_settings.issuers_file);
}

static void find_misspelt(void)
{
    List *names = pgsj_settings_with_prefix("pg_session_jwt.");
    ListCell *cell;

    foreach (cell, names)
        if (pgsj_near_setting(lfirst(cell)) != NULL)
            strlcpy(pgsj_settings.misspelt, lfirst(cell), sizeof(pgsj_settings.misspelt));
    list_free(names);
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
    define_settings(flags);
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

    if (flags != 0)
        clear_flags(flags);
    /* The server removes these now. */
    if (pgsj_settings.jwk == NULL && !pgsj_settings_pin_keys())
        find_misspelt();
    pgsj_reserve_prefix("pg_session_jwt");
}

/* ---- changes from here ------------------------------------------------- */

void pgsj_set_token(const char *token, bool is_local)
{
    (void)set_config_option(pgsj_setting_names.jwt, token, PGC_USERSET, PGC_S_SESSION,
                            is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0, false);
}

static void set_login_token(pgsj_session_token *token)
{
    state.login = token;
    state.logging_in = true;
    PG_TRY();
    {
        SetConfigOption(pgsj_setting_names.jwt, HIDDEN_TOKEN, PGC_USERSET, PGC_S_OVERRIDE);
    }
    PG_CATCH();
    {
        state.logging_in = false;
        state.login = NULL;
        PG_RE_THROW();
    }
    PG_END_TRY();
    state.logging_in = false;
}

void pgsj_settings_log_in(pgsj_session_token *token)
{
    pgsj_session_token *former = state.login;

    token->from_login = true;
    if (former == NULL) {
        set_login_token(token);
        return;
    }
    /* The setting's values that stand for the login's token stand for this one now. */
    state.login = token;
    explicit_bzero(former->text, former->len);
    pfree(former);
}

void pgsj_settings_publish(const pgsj_leader_state *leader)
{
    char published[SEALED_AT + 1];

    /* The settings are not defined yet. */
    if (pgsj_settings.parallel_state == NULL)
        return;
    Assert(leader->last_jti >= 0 && leader->subjects >= 0 && leader->subjects <= 9);
    snprintf(published, sizeof(published), PUBLISHED_FORMAT, leader->accepted ? '+' : '-',
             (long long)leader->last_jti, (long long)leader->statement, leader->subjects);
    Assert(strlen(published) == SEALED_AT);
    /* In place, because SET is forbidden where this is called from: in an assign
     * hook and in the middle of a parallel query. The server reads the string when
     * it starts workers. */
    memcpy(pgsj_settings.parallel_state, published, SEALED_AT);
}

static void publish_seal(const char *reason)
{
    pgsj_settings.parallel_state[SEALED_AT] = reason == NULL ? '-' : '+';
}

void pgsj_settings_seal(const char *reason)
{
    pgsj_settings.sealed = reason;
    publish_seal(reason);
}

char *pgsj_settings_begin_workers(const pgsj_session_token *token)
{
    char *before = pgsj_settings.parallel_state;
    const size_t head = strcspn(before, TOKEN_MARK);
    char *message = palloc(head + 1 + token->len + 1);

    memcpy(message, before, head);
    message[head] = TOKEN_MARK[0];
    memcpy(message + head + 1, token->text, token->len + 1);
    pgsj_settings.parallel_state = message;
    publish_seal(pgsj_settings_sealed());
    return before;
}

void pgsj_settings_end_workers(char *before)
{
    char *message = pgsj_settings.parallel_state;

    memcpy(before, message, PUBLISHED_LEN);
    pgsj_settings.parallel_state = before;
    publish_seal(pgsj_settings.sealed);
    explicit_bzero(message, strlen(message));
    pfree(message);
}
