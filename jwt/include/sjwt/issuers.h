/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/issuers.h - a document of several issuers, each with its own keys.
 */
#ifndef SJWT_ISSUERS_H
#define SJWT_ISSUERS_H

#include <stddef.h>

#include <sjwt/algorithms.h>
#include <sjwt/export.h>
#include <sjwt/keyset.h>
#include <sjwt/memory.h>
#include <sjwt/policy.h>
#include <sjwt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One issuer of a document, which owns all of it. An absent member is an empty list,
 * or 0 for algorithms; the caller chooses a default. */
typedef struct sjwt_issuer {
    const char *issuer; /* the exact "iss", or a pattern that sjwt_issuer_check() accepts with
                           claims; not empty, and no other entry's */
    /* Where its keys are: at least one of the five is there. The library opens no file and no
     * connection. */
    const sjwt_keyset *keys;     /* those in the document, or NULL */
    const char *keys_file;       /* a path, or NULL */
    sjwt_string_list keys_files; /* further paths, at most SJWT_MAX_KEY_FILES */
    const char *keys_url;        /* a URL, or NULL */
    bool discovery;              /* the issuer's metadata tell where they are */
    sjwt_algorithm_set algorithms;
    sjwt_string_list audiences;
    sjwt_string_list required_claims;
    sjwt_string_list types;
    sjwt_subjects subjects;         /* never SJWT_SUBJECTS_UNCHECKED */
    const sjwt_claim_rules *claims; /* or NULL */
    uint32_t max_lifetime;          /* seconds; or 0 */
} sjwt_issuer;

/* Several issuers, each with its own keys. Does not change once it is parsed. */
typedef struct sjwt_issuers sjwt_issuers;

/*
 * Parses a document of at least one issuer (docs/issuers.schema.json):
 *
 *   {"issuers": [{"issuer": "https://a", "jwks": {…}, "jwks_file": "path",
 *                 "jwks_files": ["path", …],
 *                 "jwks_url": "https://…", "discovery": true,
 *                 "audiences": ["b"], "algorithms": ["RS256"],
 *                 "required_claims": ["exp"], "token_types": ["at+jwt"],
 *                 "subjects": "plain", "qualified" or "shared",
 *                 "claims": {"azp": ["c", "d"]}, "max_lifetime": 3600}, …]}
 *
 * "issuer" and at least one of "jwks" (a JWK or a JWK Set), "jwks_file", "jwks_files",
 * "jwks_url" and "discovery" are needed, the rest may be absent. The keys of an issuer are
 * those of all of these.
 * "subjects" is then "plain" in the only entry, if that stands for one issuer, and
 * "qualified" in each of several. "plain" in an entry that stands for several issuers, an
 * issuer with a claim that is not in "claims" (see sjwt_issuer_check()), one with any claim
 * beside "discovery", an unknown member, an empty string or array, an issuer named twice, and
 * two entries whose subjects are not qualified, unless both are "shared", are
 * SJWT_ISSUERS_INVALID. Keys of "jwks" that
 * sjwt_keyset_parse() refuses have its SJWT_JWK_… status. In both cases detail names
 * the entry ("issuers[2]: …"), and position is where the invalid value begins. Other
 * failures: SJWT_ISSUERS_TOO_LARGE (more than SJWT_MAX_KEYSET_SIZE octets),
 * SJWT_ISSUERS_MALFORMED (not strict JSON), SJWT_NO_MEMORY.
 */
SJWT_API sjwt_status sjwt_issuers_parse(const sjwt_allocator *allocator, const char *json,
                                        size_t len, sjwt_issuers **out, sjwt_error *error);

SJWT_API void sjwt_issuers_free(sjwt_issuers *issuers);

/* How many issuers, and the n-th in the document's order (n below that). */
SJWT_API size_t sjwt_issuers_count(const sjwt_issuers *issuers);
SJWT_API const sjwt_issuer *sjwt_issuers_get(const sjwt_issuers *issuers, size_t n);

#ifdef __cplusplus
}
#endif

#endif
