/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint.h - a short name of fixed length for what revokes a token.
 */
#ifndef PGSJ_FINGERPRINT_H
#define PGSJ_FINGERPRINT_H

#include "postgres.h"

#include <sjwt.h>

#define PGSJ_FINGERPRINT_LEN 16

/* The first 128 bits of SHA-256 over the issuer, the claim's name and its value. */
typedef struct pgsj_fingerprint {
    uint8 octets[PGSJ_FINGERPRINT_LEN];
} pgsj_fingerprint;

/* Makes many fingerprints. Holds memory of the crypto library, which the resource owner
 * releases after an error. */
typedef struct pgsj_fingerprinter pgsj_fingerprinter;

/* Both raise where there is no memory, or the server's cryptography fails. issuer and value
 * are in UTF-8. */
pgsj_fingerprinter *pgsj_fingerprinter_create(void);
void pgsj_fingerprint_make(pgsj_fingerprinter *maker, const char *issuer, sjwt_revoked_by by,
                           const char *value, pgsj_fingerprint *out);

void pgsj_fingerprinter_free(pgsj_fingerprinter *maker);

#endif
