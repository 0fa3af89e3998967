/*
 * jwt.h - JSON Web Tokens, verified: the core's only public header.
 *
 * The core parses keys (RFC 7517), takes a compact JWS (RFC 7515) apart, has
 * its signature checked (crypto/crypto.h) and holds its registered claims
 * (RFC 7519) against a policy. It takes the time as an argument, reads no
 * environment, logs nothing and calls nobody back but the allocator.
 *
 * One thread of a process at a time may call into the core, whatever the
 * objects: it keeps which crypto libraries are ready, and these libraries and
 * the JSON parser have state of their own. A program with threads puts a lock
 * of its own around the calls.
 *
 * Conventions of every function here
 *   - Strings are UTF-8 octets with a length; inputs are borrowed for the call
 *     and need no terminating NUL.
 *   - A function that can fail returns a sjwt_status and, where it takes an
 *     error, fills it on failure; error may be NULL. On failure *out is NULL.
 *   - An output is owned by the caller, who gives it back with the matching
 *     ..._free(); ..._free(NULL) does nothing.
 *   - allocator may be NULL: malloc() and free() then. It is copied into what
 *     it made, and its context must outlive that. The JSON parser has its own
 *     memory, from malloc(): a token that is not freed keeps it.
 */
#ifndef PG_SESSION_JWT_JWT_H
#define PG_SESSION_JWT_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest token accepted, in octets, unless the policy says otherwise. */
#define SJWT_MAX_TOKEN_SIZE 65536
/* The largest JWK or JWK Set parsed, in octets. */
#define SJWT_MAX_KEYSET_SIZE (4 * 1024 * 1024)
/* How deep arrays and objects may nest. */
#define SJWT_MAX_JSON_DEPTH 128
/* How many keys are tried for a token that names none (no "kid"). */
#define SJWT_MAX_CANDIDATE_KEYS 8

/* ---- memory ------------------------------------------------------------ */

typedef struct sjwt_allocator {
    /* size > 0. NULL when there is no memory; must return to its caller. */
    void *(*allocate)(void *context, size_t size);
    /* pointer came from allocate() and is not NULL. */
    void (*release)(void *context, void *pointer);
    void *context;
} sjwt_allocator;

/* ---- statuses ---------------------------------------------------------- */

/*
 * Every status with its stable, lower-case text. The enum, sjwt_status_name()
 * and sjwt_status_text() are all made from this list.
 */
#define SJWT_STATUS_LIST(X)                                                                        \
    X(SJWT_OK, "valid")                                                                            \
    X(SJWT_NO_MEMORY, "out of memory")                                                             \
    X(SJWT_INTERNAL, "the crypto backend failed")                                                  \
    /* the token's form */                                                                         \
    X(SJWT_TOO_LARGE, "token is too large")                                                        \
    X(SJWT_MALFORMED, "token is not three parts separated by dots")                                \
    X(SJWT_SIGNATURE_ENCODING, "signature is not unpadded base64url of the right length")          \
    X(SJWT_HEADER_ENCODING, "header is not unpadded base64url")                                    \
    X(SJWT_HEADER_JSON, "header is not a strict JSON object")                                      \
    X(SJWT_PAYLOAD_ENCODING, "payload is not unpadded base64url")                                  \
    X(SJWT_PAYLOAD_JSON, "payload is not a strict JSON object")                                    \
    /* the header */                                                                               \
    X(SJWT_ALG_MISSING, "header names no algorithm")                                               \
    X(SJWT_ALG_UNKNOWN, "header names no known algorithm")                                         \
    X(SJWT_ALG_NOT_ALLOWED, "algorithm is not allowed here")                                       \
    X(SJWT_ALG_MISMATCH, "algorithm does not fit the key")                                         \
    X(SJWT_ALG_UNSUPPORTED, "algorithm is not supported by this build")                            \
    X(SJWT_CRITICAL_HEADER, "header has critical extensions")                                      \
    X(SJWT_KID_INVALID, "key id is not a string")                                                  \
    X(SJWT_TYPE_REFUSED, "token type is not accepted")                                             \
    /* whose key */                                                                                \
    X(SJWT_ISSUER_REFUSED, "issuer is not trusted")                                                \
    X(SJWT_KEY_NOT_FOUND, "no key for this token")                                                 \
    X(SJWT_SIGNATURE_INVALID, "signature is not valid")                                            \
    /* claims */                                                                                   \
    X(SJWT_CLAIM_MISSING, "a required claim is missing")                                           \
    X(SJWT_JTI_INVALID, "'jti' is not a 64-bit integer")                                           \
    X(SJWT_JTI_REPLAYED, "'jti' is not greater than the last one accepted")                        \
    X(SJWT_NBF_INVALID, "'nbf' is not a number")                                                   \
    X(SJWT_NOT_YET_VALID, "token is not valid yet")                                                \
    X(SJWT_EXP_INVALID, "'exp' is not a number")                                                   \
    X(SJWT_EXPIRED, "token has expired")                                                           \
    X(SJWT_IAT_INVALID, "'iat' is not a number")                                                   \
    X(SJWT_AUDIENCE_INVALID, "'aud' is not a string or an array of strings")                       \
    X(SJWT_AUDIENCE_REFUSED, "token is not for this audience")                                     \
    /* several issuers */                                                                          \
    X(SJWT_ISSUERS_TOO_LARGE, "document of issuers is too large")                                  \
    X(SJWT_ISSUERS_MALFORMED, "document of issuers is not strict JSON")                            \
    X(SJWT_ISSUERS_INVALID, "document of issuers is not as it must be")                            \
    /* keys */                                                                                     \
    X(SJWT_JWK_TOO_LARGE, "key set is too large")                                                  \
    X(SJWT_JWK_MALFORMED, "not strict JSON")                                                       \
    X(SJWT_JWK_NOT_A_KEY, "not a JWK")                                                             \
    X(SJWT_JWK_NOT_A_KEY_SET, "not a JWK or JWK Set")                                              \
    X(SJWT_JWK_KTY_UNKNOWN, "key type is not known")                                               \
    X(SJWT_JWK_CRV_UNKNOWN, "curve is not known")                                                  \
    X(SJWT_JWK_MEMBER_INVALID, "a member of the key has the wrong type or encoding")               \
    X(SJWT_JWK_KEY_REFUSED, "key has the wrong length, is too weak or is not on the curve")        \
    X(SJWT_JWK_USE_REFUSED, "key is not for signatures")                                           \
    X(SJWT_JWK_ALG_UNKNOWN, "key is for an algorithm that is not known")                           \
    X(SJWT_JWK_ALG_MISMATCH, "key is for an algorithm of another key type")                        \
    X(SJWT_JWK_UNSUPPORTED, "key is for an algorithm that this build does not support")            \
    X(SJWT_JWK_SYMMETRIC, "symmetric key where a public key is needed")                            \
    X(SJWT_JWK_AMBIGUOUS, "two keys have the same id and algorithm")                               \
    X(SJWT_JWK_NONE_USABLE, "no usable key in the set")

typedef enum sjwt_status {
#define SJWT_STATUS_MEMBER(name, text) name,
    SJWT_STATUS_LIST(SJWT_STATUS_MEMBER)
#undef SJWT_STATUS_MEMBER
        SJWT_STATUS_COUNT
} sjwt_status;

/* "SJWT_EXPIRED"; a constant string, also for a number that is no status. */
const char *sjwt_status_name(sjwt_status status);
/* "token has expired"; likewise. */
const char *sjwt_status_text(sjwt_status status);

/* What went wrong, by value. Holds no octet of a token's parts and none of a
 * key: member and claim names in detail are this library's or the policy's own. */
typedef struct sjwt_error {
    sjwt_status status;
    size_t position;     /* octet offset where parsing stopped, for JSON of a token within the
                         decoded part; 0 where there is none */
    bool has_seconds;    /* for SJWT_EXPIRED and SJWT_NOT_YET_VALID */
    int64_t seconds;     /* the claim's time, whole seconds since the epoch */
    size_t issuer_index; /* for SJWT_KEY_NOT_FOUND of sjwt_verify(): which of the policy's issuers
                           the token was held against */
    size_t claim_index;  /* for SJWT_CLAIM_MISSING: which of the required_claims */
    char detail[96];     /* particulars, or "" */
} sjwt_error;

/* ---- algorithms -------------------------------------------------------- */

/* A set of algorithms, SJWT_CRYPTO_BIT() of crypto/crypto.h added up; 0 accepts
 * nothing. */
typedef uint32_t sjwt_algorithm_set;

/* Every algorithm whose keys are public: all but HMAC's. */
sjwt_algorithm_set sjwt_public_key_algorithms(void);
/* Every algorithm known, also those that this build does not verify. */
sjwt_algorithm_set sjwt_all_algorithms(void);

/* Reads names separated by commas, blanks around each allowed ("RS256, ES256").
 * SJWT_OK or SJWT_ALG_UNKNOWN (position: of the name); "none" is not known. */
sjwt_status sjwt_algorithms_parse(const char *names, size_t len, sjwt_algorithm_set *out,
                                  sjwt_error *error);

/* The n-th known algorithm (0, 1, …): its name and the backend of this build
 * that verifies it, or NULL. False when there is no n-th. */
bool sjwt_algorithm_info(size_t n, const char **name, const char **backend);

/* The build's crypto backends in order of preference, "sodium, mbedtls". */
const char *sjwt_backend_names(void);

/* ---- keys -------------------------------------------------------------- */

/* One or more verification keys; immutable once parsed, so that several issuers
 * may share a set. */
typedef struct sjwt_keyset sjwt_keyset;

/*
 * Parses a JWK or a JWK Set (RFC 7517 sections 4 and 5). Private members are
 * never kept. In a set, a key that is not usable (unknown kty or curve, wrong
 * length, "use" or "key_ops" that exclude verification, an algorithm this
 * build lacks …) is skipped and counted. A single JWK that is not usable, and
 * a set without a usable key (SJWT_JWK_NONE_USABLE), are errors, as are two usable
 * keys with the same kid, type and algorithm (SJWT_JWK_AMBIGUOUS).
 *
 * Other failures: SJWT_JWK_TOO_LARGE (more than SJWT_MAX_KEYSET_SIZE octets),
 * SJWT_JWK_MALFORMED (not strict JSON; position), SJWT_JWK_NOT_A_KEY_SET (neither a "kty"
 * nor an array "keys"), SJWT_NO_MEMORY, SJWT_INTERNAL; and why a single JWK is
 * not usable: SJWT_JWK_MEMBER_INVALID (detail: its name), SJWT_JWK_KTY_UNKNOWN,
 * SJWT_JWK_CRV_UNKNOWN, SJWT_JWK_USE_REFUSED (detail: the member), SJWT_JWK_ALG_UNKNOWN,
 * SJWT_JWK_ALG_MISMATCH, SJWT_JWK_UNSUPPORTED (detail: the algorithm), SJWT_JWK_KEY_REFUSED (by
 * the rules of sjwt_crypto_check_key(), crypto/crypto.h).
 */
sjwt_status sjwt_keyset_parse(const sjwt_allocator *allocator, const char *json, size_t len,
                              sjwt_keyset **out, sjwt_error *error);

/*
 * Parses exactly one JWK with a public key. For a key that others may read.
 *
 * SJWT_OK, SJWT_JWK_TOO_LARGE, SJWT_JWK_MALFORMED, SJWT_JWK_NOT_A_KEY (a set, no object or no
 * "kty"), SJWT_JWK_SYMMETRIC (a shared secret), SJWT_NO_MEMORY, SJWT_INTERNAL, or why
 * the key is not usable, as sjwt_keyset_parse() says it of a single JWK.
 */
sjwt_status sjwt_keyset_parse_public_jwk(const sjwt_allocator *allocator, const char *json,
                                         size_t len, sjwt_keyset **out, sjwt_error *error);

void sjwt_keyset_free(sjwt_keyset *keys);

/* How many usable keys; the algorithms that they serve, together. */
size_t sjwt_keyset_count(const sjwt_keyset *keys);
sjwt_algorithm_set sjwt_keyset_algorithms(const sjwt_keyset *keys);

/* How many members of "keys" were skipped. */
size_t sjwt_keyset_skipped_count(const sjwt_keyset *keys);

/* The n-th skipped key: its index in "keys", its kid (NUL-terminated, owned by
 * the set; NULL where it has none that is a string) and why. False when there
 * is no n-th. Kept for the first 100 skipped. */
bool sjwt_keyset_skipped(const sjwt_keyset *keys, size_t n, size_t *index, const char **kid,
                         sjwt_status *why);

/* Octets that belong to somebody else. */
typedef struct sjwt_octets {
    const uint8_t *data; /* may be NULL only where len is 0 */
    size_t len;
} sjwt_octets;

/*
 * All of a usable key that decides over a signature. Which octets, big-endian where
 * they are a number: OKP: x. EC: x and y. RSA: n and e, without leading zeros. oct:
 * the shared secret. An unused entry has the length 0.
 */
typedef struct sjwt_key_view {
    const char *kid;               /* NUL-terminated UTF-8, or NULL */
    sjwt_algorithm_set algorithms; /* those that it serves; of one key type and one curve */
    sjwt_octets octets[2];
} sjwt_key_view;

/* The n-th usable key (0, 1, ...) in the order of the set; all of *out is owned by the
 * set. False when there is no n-th. For a digest of the set: do not copy the octets,
 * which may be a secret. */
bool sjwt_keyset_key(const sjwt_keyset *keys, size_t n, sjwt_key_view *out);

/* ---- policy ------------------------------------------------------------ */

typedef struct sjwt_string_list {
    const char *const *items; /* NUL-terminated each */
    size_t count;
} sjwt_string_list;

/* Whose signature counts, and for what. */
typedef struct sjwt_issuer_policy {
    const char *issuer; /* the exact "iss" needed; NULL: any, or none */
    const sjwt_keyset *keys;
    sjwt_algorithm_set algorithms;    /* those accepted; none by default */
    sjwt_string_list audiences;       /* one must be in "aud"; empty: not looked at */
    sjwt_string_list required_claims; /* each must be present and not null */
    sjwt_string_list types;           /* accepted header "typ", without regard to case and to a
                                          leading "application/" (RFC 7515 4.1.9); empty: any */
    /* The set holds one key, agreed on beforehand for just this session: the
     * header may leave "alg" out where that key leaves but one algorithm, and
     * its "kid" is not looked at (it need not even be a string). */
    bool session_key;
} sjwt_issuer_policy;

/* What a token is held against. */
typedef struct sjwt_policy {
    /* Whom to believe. With more than one, each names its issuer and a token
     * is held against the one that it names and no other. */
    const sjwt_issuer_policy *issuers;
    size_t issuer_count;

    int64_t now;           /* microseconds since 1970-01-01 00:00 UTC */
    uint32_t leeway;       /* seconds that clocks may differ, for exp and nbf */
    size_t max_token_size; /* octets; 0: SJWT_MAX_TOKEN_SIZE */

    /* Where not NULL, "jti" must be a 64-bit integer greater than this. */
    const int64_t *last_jti;
} sjwt_policy;

/* ---- several issuers --------------------------------------------------- */

/* One issuer of a document. Absent members are the caller's to fill in: a list
 * that is there is never empty, and algorithms that are there never 0. All is
 * owned by the document. */
typedef struct sjwt_issuer {
    const char *issuer; /* the exact "iss"; not empty, and no other entry's */
    /* exactly one of the two is not NULL */
    const sjwt_keyset *keys;
    const char *keys_file; /* a path, not looked at: the core opens no file */
    sjwt_algorithm_set algorithms;
    sjwt_string_list audiences;
    sjwt_string_list required_claims;
    sjwt_string_list types;
} sjwt_issuer;

/* Several issuers, each with its own keys; immutable once parsed. */
typedef struct sjwt_issuers sjwt_issuers;

/*
 * Parses a document of at least one issuer (docs/issuers.schema.json):
 *
 *   {"issuers": [{"issuer": "https://a", "jwks": {…} or "jwks_file": "path",
 *                 "audiences": ["b"], "algorithms": ["RS256"],
 *                 "required_claims": ["exp"], "token_types": ["at+jwt"]}, …]}
 *
 * "issuer" and one of "jwks" (a JWK or a JWK Set) and "jwks_file" are needed,
 * the rest may be absent. Nothing is overlooked: a member that is not listed,
 * a string or an array that is empty, an issuer named twice (all
 * SJWT_ISSUERS_INVALID) and keys of "jwks" that sjwt_keyset_parse() would refuse
 * (the same JWK_… status) are errors; detail names the entry ("issuers[2]: …")
 * and position is where in the document the value at fault begins. Other
 * failures: SJWT_ISSUERS_TOO_LARGE (more than SJWT_MAX_KEYSET_SIZE octets),
 * SJWT_ISSUERS_MALFORMED (not strict JSON), SJWT_NO_MEMORY, SJWT_INTERNAL.
 */
sjwt_status sjwt_issuers_parse(const sjwt_allocator *allocator, const char *json, size_t len,
                               sjwt_issuers **out, sjwt_error *error);

void sjwt_issuers_free(sjwt_issuers *issuers);

/* How many issuers, and the n-th in the document's order (n below that). */
size_t sjwt_issuers_count(const sjwt_issuers *issuers);
const sjwt_issuer *sjwt_issuers_get(const sjwt_issuers *issuers, size_t n);

/* ---- tokens ------------------------------------------------------------ */

/* A token that was verified; there is no other kind. Immutable. */
typedef struct sjwt_token sjwt_token;

/*
 * Verifies a compact JWS whose payload is a claims set (RFC 7519 section 7.2).
 *
 * When several things are wrong, the first of this order is reported: size;
 * two dots; the signature's encoding; header (encoding, JSON, crit, alg, typ);
 * issuer where trusts name one and the payload can be read; kid; key; the
 * signature's length, then the signature; payload (encoding, JSON); jti; nbf;
 * exp; iat; required claims; audience. Nothing of a payload is reported before
 * its signature was found valid, but that its issuer is not one of those
 * trusted. With several issuers the issuer comes before what a trust decides of
 * the header (is alg allowed and supported, is typ accepted), and a payload
 * that cannot be read names no issuer.
 *
 * A token with a kid is held against the keys of that kid alone, one without
 * against the first SJWT_MAX_CANDIDATE_KEYS that serve its algorithm. Keys, but
 * none for the header's alg, are SJWT_ALG_MISMATCH; no key of that kid is
 * SJWT_KEY_NOT_FOUND. A time is valid while now <= exp + leeway and
 * now + leeway >= nbf. iat is but a number, and not looked at for an agreed
 * key. A backend that fails, or refuses a key that it took when it was parsed,
 * is SJWT_INTERNAL.
 *
 * Where the issuer or an audience is nearly the one wanted, detail of
 * SJWT_ISSUER_REFUSED and SJWT_AUDIENCE_REFUSED is one of "differs only in a
 * trailing slash", "differs only in letter case" and "differs only in the
 * scheme" ("https://" and the like, or none); else it is "".
 *
 * Refused, whatever the policy: "alg":"none", any "crit" (RFC 7515 4.1.11),
 * "b64" (RFC 7797), a header or payload that is not strict JSON (invalid
 * UTF-8, U+0000, duplicate members at any level, nesting, numbers that no
 * double holds, are longer than 63 octets or have an exponent beyond 999), and
 * an algorithm that is not the key's.
 */
sjwt_status sjwt_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                        const sjwt_policy *policy, sjwt_token **out, sjwt_error *error);

void sjwt_token_free(sjwt_token *token);

/* The decoded octets, verified, NUL-terminated beyond *len; the token's own. */
const char *sjwt_token_header(const sjwt_token *token, size_t *len);
const char *sjwt_token_payload(const sjwt_token *token, size_t *len);

/* The algorithm's name and the backend that verified; constant strings. */
const char *sjwt_token_algorithm(const sjwt_token *token);
const char *sjwt_token_backend(const sjwt_token *token);
/* The header's kid, NUL-terminated, or NULL; the token's own. */
const char *sjwt_token_key_id(const sjwt_token *token);
/* Which of the policy's issuers verified it. */
size_t sjwt_token_issuer_index(const sjwt_token *token);

/* Is there a claim of exactly this name? *string is what it says, NUL-terminated
 * UTF-8 and the token's own, or NULL where it is no string. A token that
 * sjwt_jws_verify() made has no claims. */
bool sjwt_token_claim(const sjwt_token *token, const char *name, const char **string);

/* Registered times as microseconds since the epoch, held to int64's range;
 * false where the claim is absent. */
bool sjwt_token_expires_at(const sjwt_token *token, int64_t *microseconds);
bool sjwt_token_not_before(const sjwt_token *token, int64_t *microseconds);
bool sjwt_token_issued_at(const sjwt_token *token, int64_t *microseconds);
/* jti where it is a 64-bit integer. */
bool sjwt_token_integer_id(const sjwt_token *token, int64_t *jti);

/*
 * Verifies a compact JWS only (RFC 7515 section 5.2): header and signature as
 * above, against policy->issuers[0] without its issuer, audiences and required
 * claims; the payload may be anything.
 *
 * SJWT_OK or, in the order of sjwt_verify(): SJWT_TOO_LARGE, SJWT_MALFORMED,
 * SJWT_SIGNATURE_ENCODING, SJWT_HEADER_ENCODING, SJWT_HEADER_JSON,
 * SJWT_CRITICAL_HEADER, SJWT_ALG_UNKNOWN, SJWT_ALG_MISSING, SJWT_ALG_NOT_ALLOWED,
 * SJWT_ALG_UNSUPPORTED, SJWT_TYPE_REFUSED, SJWT_KID_INVALID, SJWT_KEY_NOT_FOUND
 * (also, before all others, where the policy has no issuer_policy), SJWT_ALG_MISMATCH,
 * SJWT_SIGNATURE_ENCODING (its length), SJWT_SIGNATURE_INVALID,
 * SJWT_PAYLOAD_ENCODING; SJWT_NO_MEMORY or SJWT_INTERNAL.
 */
sjwt_status sjwt_jws_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                            const sjwt_policy *policy, sjwt_token **out, sjwt_error *error);

/*
 * Decodes without verifying anything, for showing to a person. *header and
 * *payload are NUL-terminated copies made by the allocator (release each with
 * it); the header is a strict JSON object, the payload any octets. The third
 * part is not looked at. On failure both are NULL.
 *
 * SJWT_OK, SJWT_TOO_LARGE (more than SJWT_MAX_TOKEN_SIZE octets, whatever a policy
 * says), SJWT_MALFORMED, SJWT_HEADER_ENCODING, SJWT_HEADER_JSON,
 * SJWT_PAYLOAD_ENCODING or SJWT_NO_MEMORY.
 */
sjwt_status sjwt_decode_unverified(const sjwt_allocator *allocator, const char *token, size_t len,
                                   char **header, size_t *header_len, char **payload,
                                   size_t *payload_len, sjwt_error *error);

/* Is this, to all appearances, a token: three parts in base64url, the first of
 * which begins as a JSON object's encoding does ("eyJ")? For a hint to a person
 * who took one thing for the other, and for nothing else. */
bool sjwt_looks_like_token(const char *text, size_t len);

#endif
