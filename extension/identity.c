/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.c - an identity: the claims of one token, or of one value of request.jwt.claims.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "extension/errors.h"
#include "extension/identity.h"
#include "extension/memory.h"

static struct {
    uint64 last_id;
    pgsj_identity *anonymous; /* NULL: not made yet */
    pgsj_identity *retired;   /* given up, but rows may hold pointers into them */
    Size retired_memory;      /* theirs */
    MemoryContext memory;     /* of all identities; NULL: not made yet */
    Size used;                /* of memory by identities that are not given up, in octets */
} identities;

/* A statement that gives up identities with more memory may not make another one. */
#define MAX_RETIRED_MEMORY ((Size)64 * 1024 * 1024)

/* The size of a chunk's own block: the headers of server and libc. */
#define BLOCK_OVERHEAD 64

/* ---- memory ------------------------------------------------------------ */

/*
 * With so small a block, each identity has a block of its own. Its end gives the memory back to
 * libc, which reuses it for an identity of another size. A block with many chunks would keep it.
 */
static void *allocate(Size size)
{
    if (identities.memory == NULL)
        identities.memory =
            AllocSetContextCreate(pgsj_memory, "pg_session_jwt identities", 0, 1024, 1024);
    return MemoryContextAlloc(identities.memory, size);
}

static Size chunk_memory(void *chunk)
{
    return GetMemoryChunkSpace(chunk) + BLOCK_OVERHEAD;
}

static Size identity_memory(const pgsj_identity *identity)
{
    return chunk_memory(unconstify(pgsj_identity *, identity)) +
           (identity->jsonb_chunk == NULL ? 0 : chunk_memory(identity->jsonb_chunk));
}

Size pgsj_identity_memory(void)
{
    return identities.used;
}

/* ---- creation ---------------------------------------------------------- */

/* Appends a NUL-terminated copy of text to *buf, and moves *buf behind it. */
static char *append(char **buf, const char *text, size_t len)
{
    char *copy = memcpy(*buf, text, len);

    copy[len] = '\0';
    *buf += len + 1;
    return copy;
}

static void copy_token_properties(pgsj_identity *identity, const sjwt_token *token)
{
    identity->algorithm = sjwt_token_algorithm(token);
    identity->backend = sjwt_token_backend(token);
    identity->has_not_before = sjwt_token_not_before(token, &identity->not_before);
    identity->has_expires_at = sjwt_token_expires_at(token, &identity->expires_at);
    identity->has_issued_at = sjwt_token_issued_at(token, &identity->issued_at);
}

static void check_retired_memory(void)
{
    if (identities.retired_memory > MAX_RETIRED_MEMORY)
        ereport(ERROR,
                (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                 errmsg("too many identities in one transaction"),
                 errdetail("Those that were replaced take more than %d MB, which are free again at "
                           "the end of the transaction.",
                           (int)(MAX_RETIRED_MEMORY / (1024 * 1024))),
                 errhint("Begin a transaction for each identity."), errhidestmt(true),
                 errhidecontext(true)));
}

pgsj_identity *pgsj_identity_create(const pgsj_identity_input *input)
{
    const sjwt_token *token = input->token;
    const char *key_id = token == NULL ? NULL : sjwt_token_key_id(token);
    const Size claims_offset = MAXALIGN(sizeof(pgsj_identity));
    const Size strings_offset = claims_offset + pgsj_claims_size(&input->claims);
    Size size = strings_offset + input->key.source_len + 1;
    pgsj_identity *identity;
    char *buf;

    Assert(token != NULL || input->claims.jsonb != NULL);
    if (key_id != NULL)
        size += strlen(key_id) + 1;
    check_retired_memory();
    identity = allocate(size);
    identities.used += chunk_memory(identity);

    memset(identity, 0, sizeof(*identity));
    identity->id = ++identities.last_id;
    pgsj_claims_copy(&identity->claims, &input->claims, (char *)identity + claims_offset);
    buf = (char *)identity + strings_offset;
    identity->subjects = input->subjects;
    identity->key = input->key;
    identity->key.source = append(&buf, input->key.source, input->key.source_len);
    if (key_id != NULL)
        identity->key_id = append(&buf, key_id, strlen(key_id));
    Assert((Size)(buf - (char *)identity) == size);
    if (token != NULL)
        copy_token_properties(identity, token);
    return identity;
}

pgsj_identity *pgsj_anonymous_identity(void)
{
    if (identities.anonymous == NULL) {
        pgsj_identity_input input = {.key = {.origin = PGSJ_ORIGIN_NONE, .source = ""}};
        pgsj_failure failure;

        if (!pgsj_claims_from_json("null", &input.claims, &failure))
            pgsj_raise(&failure);
        identities.anonymous = pgsj_identity_create(&input);
    }
    return identities.anonymous;
}

/* ---- comparison -------------------------------------------------------- */

static bool source_equals(const char *a, const char *b, size_t len)
{
    volatile uint64 differences = 0;
    size_t i = 0;
    uint64 a_word;
    uint64 b_word;

    for (; len - i >= sizeof(a_word); i += sizeof(a_word)) {
        memcpy(&a_word, a + i, sizeof(a_word));
        memcpy(&b_word, b + i, sizeof(b_word));
        differences |= a_word ^ b_word;
    }
    for (; i < len; i++)
        differences |= (unsigned char)(a[i] ^ b[i]);
    return differences == 0;
}

bool pgsj_identity_has_key(const pgsj_identity *identity, const pgsj_identity_key *key)
{
    return identity->key.origin == key->origin &&
           pgsj_digest_equals(&identity->key.policy, &key->policy) &&
           identity->key.source_len == key->source_len &&
           source_equals(identity->key.source, key->source, key->source_len);
}

/* ---- end --------------------------------------------------------------- */

static void free_identity(pgsj_identity *identity)
{
    if (identity->jsonb_chunk != NULL)
        pfree(identity->jsonb_chunk);
    pfree(identity);
}

void pgsj_identity_retire(pgsj_identity *identity)
{
    Assert(identity != identities.anonymous);
    Assert(identity->pins == 0 && !identity->cached);
    Assert(identity->next_retired == NULL);
    identities.used -= identity_memory(identity);
    if (!identity->referenced) {
        free_identity(identity);
        return;
    }
    identity->next_retired = identities.retired;
    identities.retired = identity;
    identities.retired_memory += identity_memory(identity);
}

void pgsj_identity_unpin(pgsj_identity *identity)
{
    Assert(identity->pins > 0);
    if (--identity->pins == 0 && !identity->cached && identity != identities.anonymous)
        pgsj_identity_retire(identity);
}

void pgsj_free_retired_identities(void)
{
    while (identities.retired != NULL) {
        pgsj_identity *next = identities.retired->next_retired;

        Assert(identities.retired->referenced);
        free_identity(identities.retired);
        identities.retired = next;
    }
    identities.retired_memory = 0;
}

/* ---- claims as jsonb --------------------------------------------------- */

typedef struct jsonb_request {
    pgsj_identity *identity;
    pgsj_failure failure; /* where identity->claims.jsonb stays NULL */
} jsonb_request;

/* A copy of the payload would take memory in each remembered identity, also where no function
 * needs the claims as jsonb. */
static void make_jsonb_claims(void *argument)
{
    const sjwt_allocator allocator = pgsj_allocator(CurrentMemoryContext);
    jsonb_request *request = argument;
    pgsj_identity *identity = request->identity;
    pgsj_jsonb_claims claims;
    char *header;
    char *payload;
    size_t header_len;
    size_t payload_len;

    request->failure.kind = PGSJ_FAILURE_JWT;
    if (sjwt_decode_unverified(&allocator, identity->key.source, identity->key.source_len, &header,
                               &header_len, &payload, &payload_len,
                               &request->failure.jwt) != SJWT_OK)
        return;
    if (!pgsj_jsonb_claims_from_payload(payload, payload_len, &claims, &request->failure))
        return;
    identity->jsonb_chunk = allocate(pgsj_jsonb_claims_size(&claims));
    identities.used += chunk_memory(identity->jsonb_chunk);
    identity->claims.jsonb = pgsj_jsonb_claims_copy(&claims, identity->jsonb_chunk);
}

const pgsj_jsonb_claims *pgsj_identity_make_jsonb_claims(const pgsj_identity *identity)
{
    jsonb_request request = {.identity = unconstify(pgsj_identity *, identity)};
    ErrorContextCallback callback;

    Assert(identity->claims.jsonb == NULL && identity->key.origin == PGSJ_ORIGIN_TOKEN);
    pgsj_hide_statement(&callback);
    pgsj_with_temp_context(make_jsonb_claims, &request);
    pgsj_show_statement(&callback);
    if (identity->claims.jsonb == NULL)
        pgsj_raise(&request.failure);
    return identity->claims.jsonb;
}
