/*
 * trust_settings.c - the settings by which an administrator pins whose tokens
 * count.
 *
 * A value that does not parse is refused where somebody sets it and is told.
 * What comes with a connection, from the file or the catalog, is taken as it
 * is: to drop it would leave nothing pinned, and the client's own claims to be
 * believed. trust.c then refuses every token.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/varlena.h"

#include "jwt/sjwt.h"

#include "extension/session.h"
#include "extension/trust.h"
#include "extension/trust_settings.h"
#include "extension/compat.h"

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

char *pgsj_jwks;
char *pgsj_jwks_file;
char *pgsj_issuers_file;
char *pgsj_issuer;
char *pgsj_audience;
char *pgsj_algorithms;
char *pgsj_required_claims;
char *pgsj_token_types;
int pgsj_leeway;
bool pgsj_claims_fallback;

static const char *const names[] = {JWKS,        JWKS_FILE,      ISSUERS_FILE, ISSUER,
                                    AUDIENCE,    ALGORITHMS,     LEEWAY,       REQUIRED_CLAIMS,
                                    TOKEN_TYPES, CLAIMS_FALLBACK};
static bool defining;

static bool to_be_judged(const char *value, GucSource source)
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
    if (!to_be_judged(*value, source) || !IsUnderPostmaster)
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
    if (!to_be_judged(*value, source) ||
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

    if (!to_be_judged(value, source))
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

/* The server assigns what the configuration file has whenever it reads that
 * again. Where nothing changes, an accepted token is to stay accepted. */
static void changed(void)
{
    pgsj_trust_changed();
    pgsj_session_changed();
}

bool pgsj_is_another(const char *value, const char *in_force)
{
    /* A parallel worker frees its own values before it takes its leader's. */
    if (InitializingParallelWorker)
        return true;
    if (value == NULL || in_force == NULL)
        return value != in_force;
    return strcmp(value, in_force) != 0;
}

#define ASSIGN_HOOK(setting)                                                                       \
    static void assign_##setting(const char *value, void *extra)                                   \
    {                                                                                              \
        (void)extra;                                                                               \
        if (pgsj_is_another(value, pgsj_##setting))                                                \
            changed();                                                                             \
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
    if (value != pgsj_leeway)
        changed();
}

static void assign_claims_fallback(bool value, void *extra)
{
    (void)extra;
    if (value != pgsj_claims_fallback)
        changed();
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
                  "Empty: none are pinned here.", &pgsj_jwks, "", GUC_SUPERUSER_ONLY | flags,
                  check_jwks, assign_jwks);
    define_string(JWKS_FILE, "The file with the keys of the issuer of tokens.",
                  "The path is relative to the data directory.", &pgsj_jwks_file, "", flags, NULL,
                  assign_jwks_file);
    define_string(ISSUERS_FILE, "The file with several issuers of tokens, each with its keys.",
                  "The path is relative to the data directory.", &pgsj_issuers_file, "", flags,
                  NULL, assign_issuers_file);
    define_string(ISSUER, "The claim \"iss\" that a token must have, to the letter.",
                  "Empty: it is not looked at.", &pgsj_issuer, "", flags, NULL, assign_issuer);
    define_string(AUDIENCE, "The audiences of which a token must be for one.",
                  "Empty: the claim \"aud\" is not looked at.", &pgsj_audience, "",
                  GUC_LIST_INPUT | flags, check_audience, assign_audience);
    define_string(ALGORITHMS, "The signature algorithms that are accepted.",
                  "Empty: all that the keys are for, but those with a shared secret.",
                  &pgsj_algorithms, "", GUC_LIST_INPUT | flags, check_algorithms,
                  assign_algorithms);
    DefineCustomIntVariable(LEEWAY, "By how much clocks may differ, for \"exp\" and \"nbf\".", NULL,
                            &pgsj_leeway, 60, 0, MAX_LEEWAY, PGC_SUSET, GUC_UNIT_S | flags, NULL,
                            assign_leeway, NULL);
    define_string(REQUIRED_CLAIMS, "The claims that a token must have.", NULL,
                  &pgsj_required_claims, "exp", GUC_LIST_INPUT | flags, check_required_claims,
                  assign_required_claims);
    define_string(TOKEN_TYPES, "The types of token (\"typ\" in the header) that are accepted.",
                  "Empty: any, or none.", &pgsj_token_types, "", GUC_LIST_INPUT | flags,
                  check_token_types, assign_token_types);
    DefineCustomBoolVariable(CLAIMS_FALLBACK, "Believes request.jwt.claims where there is no key.",
                             NULL, &pgsj_claims_fallback, true, PGC_SUSET, flags, NULL,
                             assign_claims_fallback, NULL);
}

void pgsj_trust_settings_define(int flags, const char *refused)
{
    GucSource began_with[lengthof(names)];

    for (size_t i = 0; i < lengthof(names); i++) {
        const struct config_generic *placeholder = pgsj_find_setting(names[i]);

        began_with[i] = placeholder == NULL ? PGC_S_DEFAULT : placeholder->reset_source;
    }
    defining = true;
    /* RESET ALL is for everybody, also in a session in which a superuser has
     * set them before giving it to another role. */
    define_all(GUC_NOT_WHILE_SEC_REST | GUC_NO_RESET_ALL | flags);
    for (size_t i = 0; i < lengthof(names); i++)
        if (pgsj_find_setting(names[i])->reset_source != began_with[i]) {
            refused = names[i];
            break;
        }
    if (refused != NULL) {
        char value[NAMEDATALEN];

        snprintf(value, sizeof(value), PGSJ_REFUSED "%s", refused);
        SetConfigOption(JWKS, value, PGC_SUSET, PGC_S_OVERRIDE);
    }
    defining = false;
}

void pgsj_trust_settings_unflag(int flags)
{
    for (size_t i = 0; i < lengthof(names); i++)
        pgsj_find_setting(names[i])->flags &= ~flags;
}
