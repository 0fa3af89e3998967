/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_checks.c - is a new value of a setting one that can be used?
 */
#include "postgres.h"

#include "access/parallel.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include <sjwt.h>

#include "extension/errors.h"
#include "extension/setting_checks.h"

static bool checks_paused;

void pgsj_setting_checks_pause(bool paused)
{
    checks_paused = paused;
}

static bool should_validate(const char *value, GucSource source)
{
    return value != NULL && value[0] != '\0' && !checks_paused && !InitializingParallelWorker &&
           (source == PGC_S_FILE || source >= PGC_S_INTERACTIVE);
}

/*
 * Instead of the server's own error: its message would show the value, which may hold a
 * secret, and its log line the statement.
 */
static bool refuse(const char *name, const char *detail, const char *hint, GucSource source)
{
    if (source >= PGC_S_INTERACTIVE)
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("invalid value for parameter \"%s\"", name),
                 detail != NULL ? errdetail_internal("%s", detail) : 0,
                 hint != NULL ? errhint("%s", hint) : 0, errhidestmt(true), errhidecontext(true)));
    /* Of the configuration file: after an ERROR the rest of it would not be read. */
    GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
    GUC_check_errmsg("invalid value for parameter \"%s\"", name);
    if (detail != NULL)
        GUC_check_errdetail("%s", detail);
    return false;
}

bool pgsj_check_key_set(const char *name, const char *value, void **extra, GucSource source)
{
    sjwt_keyset *keys;
    sjwt_error error;
    sjwt_status status;
    char detail[256];

    (void)extra;
    /* No cryptography in the postmaster: each backend would inherit its state. */
    if (!should_validate(value, source) || !IsUnderPostmaster)
        return true;
    status = sjwt_keyset_parse(NULL, value, strlen(value), &keys, &error);
    if (status == SJWT_OK)
        status = sjwt_keyset_prepare_any(keys, &error);
    sjwt_keyset_free(keys);
    if (status == SJWT_OK)
        return true;
    strlcat(pgsj_format_error(detail, sizeof(detail) - 1, &error), ".", sizeof(detail));
    return refuse(name, detail,
                  sjwt_looks_like_token(value, strlen(value))
                      ? "This looks like a token. It belongs in pg_session_jwt.jwt."
                      : NULL,
                  source);
}

bool pgsj_check_claim_values(const char *name, const char *value, void **extra, GucSource source)
{
    sjwt_claim_rules *rules;
    sjwt_error error;
    char detail[256];

    (void)extra;
    if (!should_validate(value, source))
        return true;
    if (sjwt_claim_rules_parse(NULL, value, strlen(value), &rules, &error) == SJWT_OK) {
        sjwt_claim_rules_free(NULL, rules);
        return true;
    }
    strlcat(pgsj_format_error(detail, sizeof(detail) - 1, &error), ".", sizeof(detail));
    return refuse(name, detail, NULL, source);
}

bool pgsj_check_algorithms(const char *name, const char *value, void **extra, GucSource source)
{
    sjwt_algorithm_set algorithms;
    sjwt_error error;
    char detail[256];

    (void)extra;
    if (!should_validate(value, source) ||
        sjwt_algorithms_parse(value, strlen(value), &algorithms, &error) == SJWT_OK)
        return true;
    /* The text of the status is about a token's header. */
    snprintf(detail, sizeof(detail),
             "What this list has at byte %zu is not the name of an algorithm that is known.",
             error.position);
    return refuse(name, detail,
                  "auth.jwt_algorithms() tells the names. \"none\" is not one of them.", source);
}

/* How many items has this list? -1: it is none. A list of blanks only is not the empty value:
 * somebody meant to ask for something. */
static int count_items(const char *value)
{
    List *items = NIL;
    char *copy = pstrdup(value);
    const bool parses = SplitGUCList(copy, ',', &items) && items != NIL;
    const int count = list_length(items);

    list_free(items);
    pfree(copy);
    return parses ? count : -1;
}

bool pgsj_check_list(const char *name, const char *value, void **extra, GucSource source)
{
    (void)extra;
    return !should_validate(value, source) || count_items(value) >= 0 ||
           refuse(name, NULL, NULL, source);
}

bool pgsj_check_files(const char *name, const char *value, void **extra, GucSource source)
{
    char detail[64];

    if (!pgsj_check_list(name, value, extra, source))
        return false;
    if (!should_validate(value, source) || count_items(value) <= SJWT_MAX_KEY_FILES)
        return true;
    snprintf(detail, sizeof(detail), "The list has more than %d items.", SJWT_MAX_KEY_FILES);
    return refuse(name, detail, NULL, source);
}

bool pgsj_check_claims(const char *name, const char *value, void **extra, GucSource source)
{
    char detail[64];

    (void)extra;
    if (!should_validate(value, source) || strlen(value) <= PGSJ_MAX_CLAIMS_SIZE)
        return true;
    snprintf(detail, sizeof(detail), "The limit is %d bytes.", PGSJ_MAX_CLAIMS_SIZE);
    return refuse(name, detail, NULL, source);
}

bool pgsj_check_cache_size(const char *name, int kilobytes, GucSource source)
{
    (void)name;
    (void)source;
    if (kilobytes == 0 || kilobytes >= 64)
        return true;
    GUC_check_errdetail("It must be 0 or at least 64 kB.");
    return false;
}
