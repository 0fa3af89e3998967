/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - the token of a sealed identity.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "common/cryptohash.h"
#include "common/sha2.h"

#include "extension/seal.h"

#define UNTIL_TRANSACTION_END "auth.jwt_authenticate() sealed it until the end of the transaction."
#define ROLLED_BACK                                                                                \
    "The transaction was rolled back to before auth.jwt_authenticate(). It has no identity until " \
    "its end."
#define UNTIL_UNSEALED                                                                             \
    "auth.jwt_seal() sealed it until auth.jwt_unseal() or the end of the connection."
#define IN_WORKER "The leader of this parallel worker sealed it."

typedef enum seal_kind { NOT_SEALED, SEALED_TRANSACTION, SEALED_SESSION, SEALED_WORKER } seal_kind;

static struct {
    seal_kind kind;
    /* NULL, with SEALED_TRANSACTION: it was rolled back. A worker has its leader's. */
    pgsj_session_token *token;
    uint8 secret[PG_SHA256_DIGEST_LENGTH]; /* with SEALED_SESSION: its digest */
    SubTransactionId sealed_in;            /* with SEALED_TRANSACTION */
    SubTransactionId attacked_in; /* InvalidSubTransactionId: nothing assigned the setting */
} seal;

static void drop_token(void)
{
    if (seal.token == NULL)
        return;
    explicit_bzero(seal.token->text, seal.token->len);
    pfree(seal.token);
    seal.token = NULL;
}

void pgsj_seal_refuse_change(void)
{
    if (pgsj_seal_is_on())
        pgsj_raise_sealed(pgsj_settings_sealed());
}

void pgsj_seal_refuse_reset(void)
{
    if (pgsj_settings.sealed != NULL)
        pgsj_raise_sealed(pgsj_settings.sealed);
}

pgsj_session_token *pgsj_seal_token(void)
{
    Assert(pgsj_seal_is_on());
    switch (seal.kind) {
    case NOT_SEALED:
        return pgsj_settings_login_token();
    case SEALED_WORKER:
        return pgsj_settings_leader_token();
    case SEALED_TRANSACTION:
    case SEALED_SESSION:
        break;
    }
    return seal.token;
}

void pgsj_seal_transaction(pgsj_session_token *token)
{
    Assert(!pgsj_seal_is_on());
    seal.kind = SEALED_TRANSACTION;
    seal.token = token;
    seal.sealed_in = GetCurrentSubTransactionId();
    seal.attacked_in = InvalidSubTransactionId;
    pgsj_settings_seal(UNTIL_TRANSACTION_END);
}

/* ---- secrets ----------------------------------------------------------- */

static void digest_secret(const pgsj_secret *secret, uint8 digest[PG_SHA256_DIGEST_LENGTH])
{
    pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
    bool failed = context == NULL || pg_cryptohash_init(context) < 0 ||
                  pg_cryptohash_update(context, (const uint8 *)secret->octets, secret->len) < 0 ||
                  pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) < 0;

    pg_cryptohash_free(context);
    if (failed)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a digest")));
}

/* In a time that does not depend on the octets. */
static bool digests_equal(const uint8 *left, const uint8 *right)
{
    volatile uint8 differences = 0;

    for (size_t i = 0; i < PG_SHA256_DIGEST_LENGTH; i++)
        differences |= left[i] ^ right[i];
    return differences == 0;
}

void pgsj_seal_session(pgsj_session_token *token, const pgsj_secret *secret)
{
    Assert(!pgsj_seal_is_on());
    if (secret->len < PGSJ_MIN_SECRET_SIZE)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("secret to seal with is too short"),
                        errdetail("It needs at least %d bytes.", PGSJ_MIN_SECRET_SIZE)));
    digest_secret(secret, seal.secret);
    seal.kind = SEALED_SESSION;
    seal.token = token;
    seal.attacked_in = InvalidSubTransactionId;
    pgsj_settings_seal(UNTIL_UNSEALED);
}

void pgsj_seal_end(const pgsj_secret *secret)
{
    uint8 digest[PG_SHA256_DIGEST_LENGTH];

    if (seal.kind != SEALED_SESSION)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("auth.jwt_seal() has not sealed this session")));
    pgsj_seal_raise_attack();
    digest_secret(secret, digest);
    if (!digests_equal(digest, seal.secret))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("secret is not the one that sealed the session")));
    drop_token();
    seal.kind = NOT_SEALED;
    pgsj_settings_seal(NULL);
}

/* ---- parallel workers -------------------------------------------------- */

void pgsj_seal_in_worker(void)
{
    seal.kind = SEALED_WORKER;
    pgsj_settings_seal(IN_WORKER);
}

/* ---- attacks ----------------------------------------------------------- */

void pgsj_seal_setting_assigned(void)
{
    /* The end of a transaction or subtransaction gives the setting the value that it had before.
     * So does the start of a parallel worker. */
    if (seal.kind == SEALED_WORKER || InitializingParallelWorker || !IsTransactionState())
        return;
    /* The setting went back to the token that is the identity. */
    if (seal.kind == NOT_SEALED && pgsj_settings_token() != NULL &&
        pgsj_settings_token()->from_login)
        return;
    if (seal.attacked_in == InvalidSubTransactionId)
        seal.attacked_in = GetCurrentSubTransactionId();
}

bool pgsj_seal_was_attacked(pgsj_failure *failure)
{
    if (likely(seal.attacked_in == InvalidSubTransactionId))
        return false;
    (void)pgsj_set_failure(failure, PGSJ_FAILURE_SEALED, "%s", pgsj_settings_sealed());
    return true;
}

void pgsj_seal_raise_attack(void)
{
    pgsj_failure failure;

    if (pgsj_seal_was_attacked(&failure))
        pgsj_raise(&failure);
}

/* ---- ends -------------------------------------------------------------- */

bool pgsj_seal_end_transaction(void)
{
    seal.attacked_in = InvalidSubTransactionId;
    if (seal.kind != SEALED_TRANSACTION)
        return false;
    drop_token();
    seal.kind = NOT_SEALED;
    pgsj_settings_seal(NULL);
    return true;
}

bool pgsj_seal_end_subtransaction(SubXactEvent event, SubTransactionId subtransaction,
                                  SubTransactionId parent)
{
    const bool is_abort = event == SUBXACT_EVENT_ABORT_SUB;

    if (!is_abort && event != SUBXACT_EVENT_COMMIT_SUB)
        return false;
    if (seal.attacked_in == subtransaction)
        seal.attacked_in = is_abort ? InvalidSubTransactionId : parent;
    if (seal.kind != SEALED_TRANSACTION || seal.sealed_in != subtransaction)
        return false;
    /* After a rollback the seal itself stays: nothing takes the place of the identity. */
    seal.sealed_in = parent;
    if (!is_abort || seal.token == NULL)
        return false;
    drop_token();
    pgsj_settings_seal(ROLLED_BACK);
    return true;
}
