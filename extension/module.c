/*
 * module.c - what the server sees first.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "extension/executor.h"
#include "extension/memory.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/trust.h"
#include "extension/verifier.h"
#include "extension/compat.h"

PG_MODULE_MAGIC;

static void trust_changed(void)
{
    pgsj_trust_changed();
    pgsj_session_changed();
}

/* Settings call nobody above them: what they must tell goes through here. */
static const pgsj_settings_listener settings_listener = {
    .token_changed = pgsj_session_token_changed,
    .claims_changed = pgsj_session_changed,
    .trust_changed = trust_changed,
    .audit_changed = pgsj_session_changed,
    .leader_state_received = pgsj_verifier_receive_leader_state,
};

/*
 * Settings made before the library was loaded are applied when it defines them.
 * Servers without this flag drop them in a parallel query, with no more than a
 * warning, and a dropped key would leave the client's own claims to be believed.
 */
static bool can_define_settings(void)
{
    return !IsInParallelMode() ||
           (GetConfigOptionFlags("is_superuser", true) & GUC_ALLOW_IN_PARALLEL) != 0;
}

/*
 * Nor are they applied inside a SECURITY DEFINER function, though it was not
 * there that they were made: where a function like that is what loads the
 * library, the key would be dropped all the same.
 */
static void define_settings(void)
{
    Oid user;
    int security_context;

    GetUserIdAndSecContext(&user, &security_context);
    SetUserIdAndSecContext(user, 0);
    PG_TRY();
    {
        pgsj_settings_define(&settings_listener);
    }
    PG_FINALLY();
    {
        SetUserIdAndSecContext(user, security_context);
    }
    PG_END_TRY();
}

void _PG_init(void)
{
    if (!can_define_settings())
        ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                        errmsg("pg_session_jwt cannot be loaded during a parallel operation"),
                        errhint("Call auth.init() or another of its functions first, or add "
                                "pg_session_jwt to session_preload_libraries.")));
    if (pgsj_memory == NULL)
        pgsj_memory_create();
    define_settings();
    pgsj_session_install();
    pgsj_executor_install();
}
