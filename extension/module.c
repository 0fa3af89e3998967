/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.c - loading: the library's entry point, and what connects its parts.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "extension/bell.h"
#include "extension/cjson.h"
#include "extension/executor.h"
#include "extension/memory.h"
#include "extension/revocation.h"
#include "extension/seal.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/shared_cache.h"
#include "extension/statistics.h"
#include "extension/trust.h"
#include "extension/utility.h"
#include "extension/verifier.h"
#include "extension/compat.h"

PGSJ_MODULE_MAGIC("pg_session_jwt", PGSJ_VERSION);

static void trust_changed(void)
{
    pgsj_trust_changed();
    pgsj_revocation_changed();
    pgsj_session_changed();
}

static void leader_state_received(const pgsj_leader_state *leader, bool sealed)
{
    pgsj_verifier_receive_leader_state(leader);
    if (sealed)
        pgsj_seal_in_worker();
}

/* Settings call no file above them: they call these functions. */
static const pgsj_settings_listener settings_listener = {
    .token_changed = pgsj_session_token_changed,
    .claims_changed = pgsj_session_changed,
    .trust_changed = trust_changed,
    .audit_changed = pgsj_session_changed,
    .leader_state_received = leader_state_received,
};

/*
 * The server applies values that were set before the library was loaded when the library
 * defines the settings. In a parallel query, a server without this flag drops them with a
 * warning. Without the key, the client's own claims would be believed.
 */
static bool can_define_settings(void)
{
    return !IsInParallelMode() ||
           (GetConfigOptionFlags("is_superuser", true) & GUC_ALLOW_IN_PARALLEL) != 0;
}

/*
 * The server also drops these values inside a SECURITY DEFINER function, wherever they were
 * set. The settings are defined outside of it, since such a function may be what loads the
 * library.
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

/* Does the configuration name anything that is fetched? A document of issuers may. */
static bool may_fetch(void)
{
    return pgsj_settings.fetch && (pgsj_settings.discovery || pgsj_settings.jwks_url[0] != '\0' ||
                                   pgsj_settings.issuers_file[0] != '\0');
}

void _PG_init(void)
{
    if (!can_define_settings())
        ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                        errmsg("pg_session_jwt cannot be loaded during a parallel operation"),
                        errhint("Call auth.init() or another of its functions first, or add "
                                "pg_session_jwt to session_preload_libraries.")));
    pgsj_cjson_open();
    if (pgsj_memory == NULL)
        pgsj_memory_create();
    define_settings();
    if (process_shared_preload_libraries_in_progress) {
        pgsj_statistics_request();
        pgsj_shared_cache_request();
        pgsj_bell_preload(may_fetch());
    }
    pgsj_session_install();
    pgsj_revocation_install();
    pgsj_executor_install();
    pgsj_utility_install();
}
