/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - the token of a sealed identity.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"

#include "extension/seal.h"

#define UNTIL_TRANSACTION_END "auth.jwt_authenticate() sealed it until the end of the transaction."
#define ROLLED_BACK                                                                                \
    "The transaction was rolled back to before auth.jwt_authenticate(). It has no identity until " \
    "its end."
#define IN_WORKER "The leader of this parallel worker sealed it."

typedef enum seal_kind { NOT_SEALED, SEALED_TRANSACTION, SEALED_WORKER } seal_kind;

static struct {
    seal_kind kind;
    /* With SEALED_TRANSACTION; NULL: it was rolled back. A worker has its leader's. */
    pgsj_session_token *token;
    SubTransactionId sealed_in;   /* with SEALED_TRANSACTION */
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
        pgsj_raise_sealed(pgsj_settings.sealed);
}

pgsj_session_token *pgsj_seal_token(void)
{
    Assert(pgsj_seal_is_on());
    return seal.kind == SEALED_WORKER ? pgsj_settings_leader_token() : seal.token;
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
    if (seal.attacked_in == InvalidSubTransactionId)
        seal.attacked_in = GetCurrentSubTransactionId();
}

bool pgsj_seal_was_attacked(pgsj_failure *failure)
{
    if (likely(seal.attacked_in == InvalidSubTransactionId))
        return false;
    (void)pgsj_set_failure(failure, PGSJ_FAILURE_SEALED, "%s", pgsj_settings.sealed);
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
