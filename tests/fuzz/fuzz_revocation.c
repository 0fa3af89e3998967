/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a line of a list of revoked tokens, and as claims by which a token is revoked. */
#include "fuzz.h"

#include <sjwt.h>

typedef struct text {
    const char *json;
    size_t len;
} text;

static void look_at_line(const sjwt_revocation *line)
{
    must(line->has_until || line->until == 0);
    must(line->has_issued_before || line->issued_before == 0);
    must(line->until >= 0 && line->issued_before >= 0);
    if (line->is_end) {
        must(line->values.count == 0 && !line->has_until && !line->has_issued_before);
        return;
    }
    must(line->issuer != NULL && sjwt_revoked_by_name(line->by)[0] != '\0');
    must(line->values.count > 0);
    for (size_t i = 0; i < line->values.count; i++)
        must(line->values.items[i][0] != '\0');
}

/* A line that revokes by a claim with one value is also the claims of a token that it revokes. */
static void look_for_itself(const sjwt_revocation *line, const sjwt_revocable *claims)
{
    if (line->is_end || line->values.count != 1 || claims->values[line->by] == NULL)
        return;
    must(strcmp(line->issuer, claims->issuer) == 0);
    must(strcmp(line->values.items[0], claims->values[line->by]) == 0);
}

static int parse(const void *context)
{
    const text *given = context;
    sjwt_revocation *line;
    sjwt_status status = sjwt_revocation_parse(NULL, given->json, given->len, &line, NULL);

    must((status == SJWT_OK) == (line != NULL));
    sjwt_revocation_free(line);
    return (int)status;
}

static int parse_claims(const void *context)
{
    const text *given = context;
    sjwt_revocable *claims;
    sjwt_status status = sjwt_revocable_parse(NULL, given->json, given->len, &claims, NULL);

    must((status == SJWT_OK) == (claims != NULL));
    sjwt_revocable_free(claims);
    return (int)status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Not more octets than there are, for the sanitizer: neither text ends in a NUL. */
    const text given = {(const char *)data, size};
    sjwt_revocation *line;
    sjwt_revocable *claims;
    sjwt_error error;
    sjwt_status status = sjwt_revocation_parse(NULL, given.json, size, &line, &error);

    must((status == SJWT_OK) == (line != NULL));
    if (line == NULL)
        must(error.status == status && error.position <= size &&
             memchr(error.detail, '\0', sizeof(error.detail)) != NULL);
    else
        look_at_line(line);
    status = sjwt_revocable_parse(NULL, given.json, size, &claims, &error);
    must((status == SJWT_OK) == (claims != NULL));
    /* What is a line is an object. */
    must(line == NULL || claims != NULL);
    if (claims != NULL)
        must(claims->issuer != NULL);
    if (line != NULL)
        look_for_itself(line, claims);
    sjwt_revocation_free(line);
    sjwt_revocable_free(claims);
    fail_each_allocation(parse, &given, SJWT_NO_MEMORY, hash_of(data, size));
    fail_each_allocation(parse_claims, &given, SJWT_NO_MEMORY, hash_of(data, size));
    return 0;
}
