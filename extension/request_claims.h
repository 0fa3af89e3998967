/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_claims.h - from request.jwt.claims to an identity.
 */
#ifndef PGSJ_REQUEST_CLAIMS_H
#define PGSJ_REQUEST_CLAIMS_H

#include "postgres.h"

#include "extension/identity.h"

/*
 * The identity of the setting's value: the anonymous one where it is unset, too large, or not
 * acceptable as jsonb. current: the identity that this function returned last for the same value; NULL where
 * there is none. Raises when there is no memory.
 */
pgsj_identity *pgsj_request_claims_identity(pgsj_identity *current);

#endif
