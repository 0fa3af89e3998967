/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint.c - a short name of fixed length for what revokes a token.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "extension/fingerprint.h"

/* Another one where the form of what is hashed changes. */
#define FORMAT "pg_session_jwt revocation 1"

struct pgsj_fingerprinter {
    pg_cryptohash_ctx *context;
};

pgsj_fingerprinter *pgsj_fingerprinter_create(void)
{
    pgsj_fingerprinter *maker = palloc(sizeof(*maker));

    maker->context = pg_cryptohash_create(PG_SHA256);
    if (maker->context == NULL)
        elog(ERROR, "could not compute a fingerprint");
    return maker;
}

/* With its length before it, so that no two inputs give the same octets. */
static bool add(pg_cryptohash_ctx *context, const char *text)
{
    const size_t len = strlen(text);
    uint8 octets[8];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8)((uint64)len >> (56 - 8 * i));
    return pg_cryptohash_update(context, octets, sizeof(octets)) >= 0 &&
           (len == 0 || pg_cryptohash_update(context, (const uint8 *)text, len) >= 0);
}

void pgsj_fingerprint_make(pgsj_fingerprinter *maker, const char *issuer, sjwt_revoked_by by,
                           const char *value, pgsj_fingerprint *out)
{
    uint8 digest[PG_SHA256_DIGEST_LENGTH];

    if (pg_cryptohash_init(maker->context) < 0 || !add(maker->context, FORMAT) ||
        !add(maker->context, issuer) || !add(maker->context, sjwt_revoked_by_name(by)) ||
        !add(maker->context, value) ||
        pg_cryptohash_final(maker->context, digest, sizeof(digest)) < 0)
        elog(ERROR, "could not compute a fingerprint");
    memcpy(out->octets, digest, sizeof(out->octets));
}

void pgsj_fingerprinter_free(pgsj_fingerprinter *maker)
{
    pg_cryptohash_free(maker->context);
    pfree(maker);
}
