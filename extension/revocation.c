/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation.c - tokens that are valid, and revoked: by a file or by the database's table.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "extension/fingerprint.h"
#include "extension/memory.h"
#include "extension/revocation.h"
#include "extension/revocation_file.h"
#include "extension/revocation_table.h"
#include "extension/settings.h"

/* Not the statement_timestamp() of any statement. */
#define NO_STATEMENT DT_NOBEGIN

static struct {
    uint64 generation;      /* of file and table: grows when one of them changes */
    TimestampTz checked_at; /* the start of the statement for which they were checked */
} revocation = {.generation = 1, .checked_at = NO_STATEMENT};

static bool has_file(void)
{
    return pgsj_settings.revoked_file != NULL && pgsj_settings.revoked_file[0] != '\0';
}

static void refresh(void)
{
    const TimestampTz statement = GetCurrentStatementStartTimestamp();

    if (revocation.checked_at == statement && !pgsj_revocation_table_changed())
        return;
    revocation.checked_at = NO_STATEMENT;
    if (has_file() && pgsj_revocation_file_refresh(pgsj_settings.revoked_file))
        revocation.generation++;
    if (pgsj_revocation_table_refresh())
        revocation.generation++;
    revocation.checked_at = statement;
}

typedef struct look_up {
    const char *token;
    int64 now;
    bool in_file, in_table;
    pgsj_failure *failure;
    bool passed;
} look_up;

/* The claims of a token that was verified. */
static const sjwt_revocable *read_claims(const look_up *l)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    sjwt_revocable *claims;
    sjwt_error *error = &l->failure->jwt;
    char *header;
    char *payload;
    size_t header_len;
    size_t payload_len;

    l->failure->kind = PGSJ_FAILURE_JWT;
    if (sjwt_decode_unverified(&allocator, l->token, strlen(l->token), &header, &header_len,
                               &payload, &payload_len, error) != SJWT_OK ||
        sjwt_revocable_parse(&allocator, payload, payload_len, &claims, error) != SJWT_OK)
        return NULL;
    return claims;
}

static bool check_value(const look_up *l, const sjwt_revocable *claims, sjwt_revoked_by by,
                        const pgsj_fingerprint *fingerprint)
{
    pgsj_revocation_match match = {.fingerprint = fingerprint,
                                   .has_issued_at = claims->has_issued_at,
                                   .issued_at = claims->issued_at,
                                   .now = l->now};

    if (l->in_file && !pgsj_revocation_file_find(pgsj_settings.revoked_file, &match, l->failure))
        return false;
    if (!match.found && l->in_table && !pgsj_revocation_table_find(&match, l->failure))
        return false;
    return !match.found ||
           pgsj_set_failure(l->failure, PGSJ_FAILURE_REVOKED, "Claim \"%s\" is in %s.",
                            sjwt_revoked_by_name(by), match.found_in);
}

/* In a memory context of its own. */
static void check(void *argument)
{
    look_up *l = argument;
    const sjwt_revocable *claims = read_claims(l);
    pgsj_fingerprinter *maker;

    if (claims == NULL)
        return;
    maker = pgsj_fingerprinter_create();
    for (int by = 0; by < SJWT_REVOKED_BY_COUNT; by++) {
        pgsj_fingerprint fingerprint;

        if (claims->values[by] == NULL)
            continue;
        pgsj_fingerprint_make(maker, claims->issuer, (sjwt_revoked_by)by, claims->values[by],
                              &fingerprint);
        if (!check_value(l, claims, (sjwt_revoked_by)by, &fingerprint)) {
            pgsj_fingerprinter_free(maker);
            return;
        }
    }
    pgsj_fingerprinter_free(maker);
    l->passed = true;
}

bool pgsj_revocation_check(const char *token, int64 now, uint64 *checked, pgsj_failure *failure)
{
    look_up l = {.token = token, .now = now, .failure = failure};
    uint64 generation;

    refresh();
    generation = revocation.generation;
    if (*checked == generation)
        return true;
    l.in_file = has_file();
    l.in_table = pgsj_revocation_table_has_rows();
    if (l.in_file && !pgsj_revocation_file_check(failure))
        return false;
    if (l.in_file || l.in_table) {
        pgsj_with_temp_context(check, &l);
        if (!l.passed)
            return false;
    }
    /* What was looked up is of this generation or newer. */
    *checked = generation;
    return true;
}

const char *pgsj_revocation_file_problem_in_use(void)
{
    return has_file() ? pgsj_revocation_file_problem() : NULL;
}

void pgsj_revocation_changed(void)
{
    revocation.generation++;
    revocation.checked_at = NO_STATEMENT;
}

void pgsj_revocation_transaction_ended(void)
{
    revocation.checked_at = NO_STATEMENT;
    pgsj_revocation_file_transaction_ended();
}

void pgsj_revocation_install(void)
{
    pgsj_revocation_table_install();
}
