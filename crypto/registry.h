/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h - what verifying and signing ask of a key before any library is
 * asked. Internal to crypto/.
 */
#ifndef PG_SESSION_JWT_CRYPTO_REGISTRY_H
#define PG_SESSION_JWT_CRYPTO_REGISTRY_H

#include "crypto/crypto.h"

/* Do the key's type, curve and lengths fit the row? SJWT_CRYPTO_OK or SJWT_CRYPTO_BAD_KEY. */
sjwt_crypto_status sjwt_crypto_check_row(const sjwt_crypto_algorithm *row,
                                         const sjwt_crypto_key_octets *octets);

#endif
