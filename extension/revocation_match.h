/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_match.h - what a file and a table of revoked tokens are asked.
 */
#ifndef PGSJ_REVOCATION_MATCH_H
#define PGSJ_REVOCATION_MATCH_H

#include "postgres.h"

#include "extension/fingerprint.h"

typedef struct pgsj_revocation_match {
    /* in: one claim of the token, when the token was issued, and the time for which it is checked,
     * in microseconds since the Unix epoch */
    const pgsj_fingerprint *fingerprint;
    bool has_issued_at;
    int64 issued_at;
    int64 now;
    /* out, where found: what revokes the token, for a message; else unchanged */
    bool found;
    const char *found_in;
} pgsj_revocation_match;

#endif
