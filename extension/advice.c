/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.c - what to do about a session that has no keys.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "extension/advice.h"
#include "extension/near_setting.h"
#include "extension/settings.h"
#include "extension/trust.h"

/* What pg_db_role_setting has. Names alone are kept: a value may be a secret. */
typedef struct stored_settings {
    const char *here;       /* pins keys for this database and role; NULL: none does */
    const char *misspelt;   /* is nearly a setting, for this database and role; NULL: none is */
    bool of_other_database; /* a setting pins keys for another database */
} stored_settings;

static bool is_key_setting(const char *name)
{
    const char *const names[] = {pgsj_setting_names.jwks,       pgsj_setting_names.jwks_file,
                                 pgsj_setting_names.jwks_files, pgsj_setting_names.jwks_url,
                                 pgsj_setting_names.discovery,  pgsj_setting_names.issuers_file};

    for (size_t i = 0; i < lengthof(names); i++)
        if (pg_strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static void note_setting(stored_settings *out, const Form_pg_db_role_setting row, char *setting)
{
    const bool of_database = row->setdatabase == MyDatabaseId || row->setdatabase == InvalidOid;
    const bool of_role = row->setrole == GetSessionUserId() || row->setrole == InvalidOid;
    char *equals = strchr(setting, '=');

    /* An empty value pins nothing. */
    if (equals == NULL || equals[1] == '\0')
        return;
    *equals = '\0';
    if (!of_database)
        out->of_other_database |= is_key_setting(setting);
    else if (of_role && is_key_setting(setting))
        out->here = setting;
    else if (of_role && pgsj_near_setting(setting) != NULL)
        out->misspelt = setting;
}

static void note_settings(stored_settings *out, HeapTuple tuple, TupleDesc descriptor)
{
    bool isnull;
    /* heap_getattr() would need a function that only later minor releases have. */
    Datum array = SPI_getbinval(tuple, descriptor, Anum_pg_db_role_setting_setconfig, &isnull);
    Datum *items;
    int count;

    if (isnull)
        return;
    deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &items, NULL,
                      &count);
    for (int i = 0; i < count; i++)
        note_setting(out, (Form_pg_db_role_setting)GETSTRUCT(tuple), TextDatumGetCString(items[i]));
}

static stored_settings read_stored_settings(void)
{
    stored_settings out = {0};
    Relation relation = table_open(DbRoleSettingRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
    HeapTuple tuple;

    while (HeapTupleIsValid(tuple = systable_getnext(scan)))
        note_settings(&out, tuple, RelationGetDescr(relation));
    systable_endscan(scan);
    table_close(relation, AccessShareLock);
    return out;
}

static char *name_the_right_setting(const char *misspelt)
{
    return psprintf("There is no setting \"%s\". Perhaps you meant \"%s\".", misspelt,
                    pgsj_near_setting(misspelt));
}

char *pgsj_advice_for_keys(void)
{
    stored_settings stored;

    if (pgsj_settings.misspelt[0] != '\0')
        return name_the_right_setting(pgsj_settings.misspelt);
    stored = read_stored_settings();
    if (stored.here != NULL)
        return psprintf("A value of %s is stored for this database or role. It takes effect in new "
                        "connections: connect again.",
                        stored.here);
    if (stored.misspelt != NULL)
        return name_the_right_setting(stored.misspelt);
    if (stored.of_other_database)
        return pstrdup("Another database of this server has keys pinned by ALTER DATABASE. A dump "
                       "restored without --create does not bring them: pin them for this database "
                       "too.");
    return NULL;
}

static const char *general_advice(void)
{
    if (pgsj_trust_current_mode() == PGSJ_TRUST_SESSION_KEY)
        return "Set it when connecting, for instance with options='-c pg_session_jwt.jwk=...' in "
               "the connection string.";
    return "Pin the keys of the issuer, for instance with ALTER DATABASE ... SET "
           "pg_session_jwt.jwks_file, and connect again. Or bring a key when connecting: "
           "options='-c pg_session_jwt.jwk=...'. A dump restored without --create has no settings "
           "of ALTER DATABASE.";
}

/* NULL: the failure is not a lack of keys. */
static const char *advice_for(const pgsj_failure *failure)
{
    const char *advice;

    if (failure->kind == PGSJ_FAILURE_NO_KEYS && !pgsj_settings_pin_keys())
        return pgsj_advice_for_keys();
    if (failure->kind != PGSJ_FAILURE_MISSING_KEY)
        return NULL;
    advice = pgsj_trust_current_mode() == PGSJ_TRUST_SESSION_KEY ? NULL : pgsj_advice_for_keys();
    return advice != NULL ? advice : general_advice();
}

_Noreturn void pgsj_raise_with_advice(const pgsj_failure *failure)
{
    pgsj_raise_with_hint(failure, advice_for(failure));
}

char *pgsj_explain_with_advice(const pgsj_failure *failure)
{
    return pgsj_explain_with_hint(failure, advice_for(failure));
}
