/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/algorithms.h - sets of signature algorithms.
 */
#ifndef SJWT_ALGORITHMS_H
#define SJWT_ALGORITHMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt/export.h>
#include <sjwt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A set of algorithms: a bit for each, in the order of sjwt_algorithm_info(). 0 is the
 * empty set. */
typedef uint32_t sjwt_algorithm_set;

/* Every algorithm whose keys are public: all but HMAC's. */
SJWT_API sjwt_algorithm_set sjwt_public_key_algorithms(void);
/* Every algorithm that the library knows, also those that this build does not verify. */
SJWT_API sjwt_algorithm_set sjwt_all_algorithms(void);

/* Parses names separated by commas, with blanks around them or not ("RS256, ES256").
 * SJWT_OK or SJWT_ALG_UNKNOWN (position: of the name). "none" is unknown. */
SJWT_API sjwt_status sjwt_algorithms_parse(const char *names, size_t len, sjwt_algorithm_set *out,
                                           sjwt_error *error);

/* The n-th known algorithm (0, 1, …): its name and the backend that verifies it. The
 * backend is NULL where this build has none, or where its crypto library, as it is
 * configured, does not offer the algorithm: the library is initialized and asked.
 * False when there is no n-th. */
SJWT_API bool sjwt_algorithm_info(size_t n, const char **name, const char **backend);

/* The module, with its version, of the crypto library that verifies the n-th algorithm
 * ("OpenSSL FIPS Provider 3.5.9"), or why the library cannot be used. "" where the
 * backend says nothing. One line, the library's own. */
SJWT_API const char *sjwt_algorithm_module(size_t n);

/* The build's crypto backends in order of preference, "sodium, mbedtls". */
SJWT_API const char *sjwt_backend_names(void);

#ifdef __cplusplus
}
#endif

#endif
