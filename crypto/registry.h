/*
 * registry.h - what verifying and signing ask of a key before any library is
 * asked. Internal to crypto/.
 */
#ifndef PG_SESSION_JWT_CRYPTO_REGISTRY_H
#define PG_SESSION_JWT_CRYPTO_REGISTRY_H

#include "crypto/crypto.h"

/* Do the key's type, curve and lengths fit the row? CRYPTO_OK or CRYPTO_BAD_KEY. */
crypto_status crypto_check_policy(const crypto_algorithm *row, const crypto_key *key);

/* The exact length in octets of a signature by this key, which fits the row. */
size_t crypto_signature_length(const crypto_algorithm *row, const crypto_key *key);

#endif
