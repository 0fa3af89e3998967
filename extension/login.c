/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.c - the login with a token: who may log in as whom, and with what the connection begins.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include <sjwt.h>

#include "extension/audit.h"
#include "extension/clock.h"
#include "extension/login.h"
#include "extension/login_expiry.h"
#include "extension/memory.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/statistics.h"
#include "extension/trust.h"
#include "extension/verifier.h"

/* Of a token that was verified. Strings are in UTF-8. */
typedef struct token_facts {
    char *issuer;
    char *subject; /* NULL: it has none */
    char *name;    /* of who logs in; NULL: not known */
    bool has_issued_at, has_expires_at;
    int64 issued_at, expires_at; /* microseconds since the Unix epoch */
} token_facts;

/* What this connection logged in with; done is false where that was no token. */
static struct {
    bool done;
    pgsj_login_line line;
    token_facts facts;
} login;

typedef struct attempt {
    const char *text;
    const pgsj_login_line *line;
    int64 now;
    MemoryContext facts_memory;
    token_facts facts;
    bool accepted; /* false: see failure */
    pgsj_failure *failure;
} attempt;

static bool refuse(const attempt *a, const char *format, ...) pg_attribute_printf(2, 3);

/* Returns false. */
static bool refuse(const attempt *a, const char *format, ...)
{
    char detail[PGSJ_DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    return pgsj_set_failure(a->failure, PGSJ_FAILURE_LOGIN, "%s", detail);
}

static const char *option_or_setting(const char *option, const char *setting)
{
    if (option != NULL)
        return option;
    return setting == NULL ? "" : setting;
}

/* ---- who --------------------------------------------------------------- */

static char *qualify(const char *issuer, const char *name, MemoryContext memory)
{
    const size_t issuer_len = strlen(issuer);
    const size_t name_len = strlen(name);
    char *qualified = MemoryContextAlloc(memory, 3 * issuer_len + 1 + name_len + 1);
    size_t len = sjwt_quote_issuer(issuer, issuer_len, qualified);

    qualified[len++] = '|';
    memcpy(qualified + len, name, name_len + 1);
    return qualified;
}

/* The name goes into the server's log, and pg_ident.conf maps it. */
static bool find_name(attempt *a, const sjwt_token *token, sjwt_subjects subjects)
{
    const char *claim = option_or_setting(a->line->claim, pgsj_settings.login_claim);
    const char *name = sjwt_token_claim_string(token, claim);

    if (claim[0] == '\0')
        return refuse(a, "%s is empty.", pgsj_setting_names.login_claim);
    if (name == NULL || name[0] == '\0')
        return refuse(a, "Claim \"%s\" is not a string that names who logs in.", claim);
    if (!pgsj_is_visible(name))
        return refuse(a, "Claim \"%s\" has a character that a log does not show.", claim);
    switch (subjects) {
    case SJWT_SUBJECTS_UNCHECKED:
        break;
    case SJWT_SUBJECTS_PLAIN:
    case SJWT_SUBJECTS_SHARED:
        /* The core checks the subject. No other claim may look like the name of another issuer's
         * user either. */
        if (strcmp(claim, "sub") != 0 && strchr(name, '|') != NULL)
            return refuse(a, "Claim \"%s\" has the form of a name that is qualified.", claim);
        break;
    case SJWT_SUBJECTS_QUALIFIED:
        a->facts.name = qualify(a->facts.issuer, name, a->facts_memory);
        return true;
    }
    a->facts.name = MemoryContextStrdup(a->facts_memory, name);
    return true;
}

static bool find_facts(attempt *a, const sjwt_token *token, sjwt_subjects subjects)
{
    const char *issuer = sjwt_token_claim_string(token, "iss");
    const char *subject = sjwt_token_claim_string(token, "sub");

    if (issuer == NULL || strcmp(issuer, a->line->issuer) != 0)
        return refuse(a, "Claim \"iss\" is not the issuer of the line in pg_hba.conf.");
    a->facts.issuer = MemoryContextStrdup(a->facts_memory, issuer);
    if (subject != NULL)
        a->facts.subject = MemoryContextStrdup(a->facts_memory, subject);
    a->facts.has_issued_at = sjwt_token_issued_at(token, &a->facts.issued_at);
    a->facts.has_expires_at = sjwt_token_expires_at(token, &a->facts.expires_at);
    return find_name(a, token, subjects);
}

/* ---- what the token allows --------------------------------------------- */

/* Is the word of len octets among those of text, which blanks divide? */
static bool has_word(const char *text, const char *word, size_t len)
{
    for (;;) {
        const size_t next = strcspn(text, " ");

        if (next == len && memcmp(text, word, len) == 0)
            return true;
        if (text[next] == '\0')
            return false;
        text += next + 1;
    }
}

/* A string of words (RFC 8693 section 4.2), or an array of strings, as some issuers have it. */
static bool claim_has_scope(const sjwt_token *token, const char *claim, const char *scope,
                            size_t len)
{
    size_t count;

    if (!sjwt_token_claim_strings(token, claim, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (has_word(sjwt_token_claim_strings_item(token, claim, i), scope, len))
            return true;
    return false;
}

static bool check_scopes(const attempt *a, const sjwt_token *token)
{
    const char *scope = a->line->scope;

    for (scope += strspn(scope, " "); *scope != '\0'; scope += strspn(scope, " ")) {
        const size_t len = strcspn(scope, " ");

        if (!claim_has_scope(token, "scope", scope, len) &&
            !claim_has_scope(token, "scp", scope, len))
            return refuse(a, "Neither claim \"scope\" nor \"scp\" has the scope \"%.*s\".",
                          (int)len, scope);
        scope += len;
    }
    return true;
}

/* A list that cannot be read, or has no item, allows no role. */
static bool check_role_list(const attempt *a, const char *value)
{
    List *roles = NIL;
    ListCell *cell;

    if (SplitGUCList(pstrdup(value), ',', &roles))
        foreach (cell, roles)
            if (strcmp(lfirst(cell), a->line->role) == 0)
                return true;
    return refuse(a, "The role is not in %s.", pgsj_setting_names.login_roles);
}

static bool check_role(const attempt *a, const sjwt_token *token)
{
    const char *claim = option_or_setting(a->line->role_claim, pgsj_settings.login_role_claim);
    const char *roles = option_or_setting(a->line->roles, pgsj_settings.login_roles);
    size_t count;
    bool found = false;

    if (!a->line->names_role)
        return true;
    if (claim[0] == '\0')
        return refuse(a, "The line in pg_hba.conf has delegate_ident_mapping=1, and %s is not set.",
                      pgsj_setting_names.login_role_claim);
    if (sjwt_token_claim_strings(token, claim, &count))
        for (size_t i = 0; i < count && !found; i++)
            found = strcmp(sjwt_token_claim_strings_item(token, claim, i), a->line->role) == 0;
    if (!found)
        return refuse(a, "Claim \"%s\" does not name the role.", claim);
    if (roles[0] != '\0')
        return check_role_list(a, roles);
    if (superuser_arg(get_role_oid(a->line->role, true)))
        return refuse(a, "The role is a superuser, and %s does not name it.",
                      pgsj_setting_names.login_roles);
    return true;
}

/* In a memory context of its own. */
static void verify(void *argument)
{
    attempt *a = argument;
    sjwt_subjects subjects;
    const sjwt_token *token = pgsj_verifier_verify(a->text, a->now, &subjects, a->failure);

    a->facts = (token_facts){0};
    a->accepted = token != NULL && find_facts(a, token, subjects) && check_scopes(a, token) &&
                  check_role(a, token);
}

static bool is_accepted(attempt *a)
{
    pgsj_with_temp_context(verify, a);
    if (!a->accepted && pgsj_trust_wait_for_key(a->failure))
        pgsj_with_temp_context(verify, a);
    if (!a->accepted)
        pgsj_count_failure(a->failure);
    return a->accepted;
}

/* ---- the login --------------------------------------------------------- */

static const char *keep(const char *text)
{
    return text == NULL ? NULL : MemoryContextStrdup(pgsj_memory, text);
}

static void keep_facts(const token_facts *facts)
{
    const token_facts kept = {
        .issuer = unconstify(char *, keep(facts->issuer)),
        .subject = unconstify(char *, keep(facts->subject)),
        .name = unconstify(char *, keep(facts->name)),
        .has_issued_at = facts->has_issued_at,
        .has_expires_at = facts->has_expires_at,
        .issued_at = facts->issued_at,
        .expires_at = facts->expires_at,
    };

    login.facts = kept;
}

static void watch_expiry(void)
{
    pgsj_login_expiry_set(login.facts.has_expires_at ? login.facts.expires_at : PG_INT64_MAX);
}

bool pgsj_login_accept(const char *token, const pgsj_login_line *line, const char **name,
                       pgsj_failure *failure)
{
    attempt a = {.text = token,
                 .line = line,
                 .now = pgsj_unix_time(GetCurrentTimestamp()),
                 .facts_memory = CurrentMemoryContext,
                 .failure = failure};
    const bool accepted = is_accepted(&a);

    *name = a.facts.name;
    pgsj_count(accepted ? PGSJ_COUNT_LOGINS : PGSJ_COUNT_LOGINS_REFUSED);
    if (!accepted)
        return false;
    login.line = (pgsj_login_line){
        .issuer = keep(line->issuer),
        .scope = keep(line->scope),
        .names_role = line->names_role,
        .role = keep(line->role),
        .claim = keep(line->claim),
        .role_claim = keep(line->role_claim),
        .roles = keep(line->roles),
    };
    keep_facts(&a.facts);
    pgsj_session_log_in(token);
    login.done = true;
    watch_expiry();
    return true;
}

/* ---- a fresh token ----------------------------------------------------- */

static bool texts_equal(const char *left, const char *right)
{
    if (left == NULL || right == NULL)
        return left == right;
    return strcmp(left, right) == 0;
}

/* Is the fresh token for the same login, and no older? The issuer is that of the line. */
static bool check_succession(const attempt *a)
{
    const token_facts *former = &login.facts;
    const token_facts *fresh = &a->facts;

    if (!texts_equal(former->subject, fresh->subject))
        return refuse(a, "Claim \"sub\" is not that of the login.");
    if (!texts_equal(former->name, fresh->name))
        return refuse(a, "Claim \"%s\" is not that of the login.",
                      option_or_setting(a->line->claim, pgsj_settings.login_claim));
    if (former->has_expires_at && fresh->has_expires_at && fresh->expires_at < former->expires_at)
        return refuse(a, "It expires before the token that it would replace.");
    if (former->has_issued_at && (!fresh->has_issued_at || fresh->issued_at < former->issued_at))
        return refuse(a, "It is older than the token that it would replace.");
    return true;
}

void pgsj_login_refresh(const char *token)
{
    pgsj_failure failure;
    attempt a = {.text = token,
                 .line = &login.line,
                 .now = pgsj_unix_time(GetCurrentStatementStartTimestamp()),
                 .facts_memory = CurrentMemoryContext,
                 .failure = &failure};

    if (!login.done)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("connection did not log in with a token")));
    if (pgsj_settings.sealed != NULL)
        pgsj_raise_sealed(pgsj_settings.sealed);
    if (!is_accepted(&a) || !check_succession(&a))
        pgsj_raise(&failure);
    pgsj_session_log_in(token);
    login.facts.has_issued_at = a.facts.has_issued_at;
    login.facts.issued_at = a.facts.issued_at;
    login.facts.has_expires_at = a.facts.has_expires_at;
    login.facts.expires_at = a.facts.expires_at;
    watch_expiry();
}
