/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_table.c - the database's table of revoked tokens, auth.revocation.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "extension/clock.h"
#include "extension/revocation_table.h"
#include "extension/compat.h"

static struct {
    uint64 invalidations; /* of the table's entry in the relation cache */
    uint64 loaded_at;     /* the members below are those of that many; PG_UINT64_MAX: of none */
    Oid oid;              /* InvalidOid: there is no such table */
    bool is_own;          /* the extension made it */
    bool is_usable;       /* it has the columns and the index below */
    bool has_rows;
    Oid index;
    AttrNumber fingerprint, issued_before, until;
} table = {.loaded_at = PG_UINT64_MAX};

static void invalidate(Datum arg, Oid relation)
{
    (void)arg;
    if (relation == InvalidOid || relation == table.oid)
        table.invalidations++;
}

bool pgsj_revocation_table_changed(void)
{
    return table.loaded_at != table.invalidations;
}

static Oid find_table(void)
{
    const Oid schema = get_namespace_oid("auth", true);

    return OidIsValid(schema) ? get_relname_relid("revocation", schema) : InvalidOid;
}

static bool is_of_extension(Oid relation)
{
    const Oid extension = get_extension_oid("pg_session_jwt", true);

    return OidIsValid(extension) && getExtensionOfObject(RelationRelationId, relation) == extension;
}

/* The column of that name and type; InvalidAttrNumber if there is none. */
static AttrNumber find_column(Relation relation, const char *name, Oid type)
{
    const AttrNumber number = get_attnum(RelationGetRelid(relation), name);

    return number > 0 && get_atttype(RelationGetRelid(relation), number) == type
               ? number
               : InvalidAttrNumber;
}

static Oid find_index(Relation relation, AttrNumber column)
{
    List *indexes = RelationGetIndexList(relation);
    Oid found = InvalidOid;
    ListCell *cell;

    foreach (cell, indexes) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        const Form_pg_index form = index->rd_index;

        if (form->indisunique && form->indisvalid && form->indnatts == 1 &&
            form->indkey.values[0] == column && RelationGetIndexPredicate(index) == NIL)
            found = lfirst_oid(cell);
        index_close(index, AccessShareLock);
    }
    list_free(indexes);
    return found;
}

/* Is the table's file empty? Most are. This is all that need be known of such a table: to open it
 * for the first time in a session takes longer than to verify a token. The caller has a lock. */
static bool has_empty_file(Oid oid)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
    bool is_empty;

    if (!HeapTupleIsValid(tuple))
        return false;
    is_empty = pgsj_file_is_empty((Form_pg_class)GETSTRUCT(tuple));
    ReleaseSysCache(tuple);
    return is_empty;
}

static bool is_empty(Oid oid)
{
    bool found;

    LockRelationOid(oid, AccessShareLock);
    found = has_empty_file(oid);
    UnlockRelationOid(oid, AccessShareLock);
    return found;
}

static void load(Oid oid)
{
    Relation relation;

    table.is_own = table.is_usable = table.has_rows = false;
    table.oid = oid;
    if (!OidIsValid(oid) || is_empty(oid))
        return;
    relation = try_table_open(oid, AccessShareLock);
    if (relation == NULL) {
        table.oid = InvalidOid;
        return;
    }
    table.is_own = is_of_extension(oid);
    if (table.is_own) {
        table.fingerprint = find_column(relation, "fingerprint", BYTEAOID);
        table.issued_before = find_column(relation, "issued_before", TIMESTAMPTZOID);
        table.until = find_column(relation, "until", TIMESTAMPTZOID);
        table.index = table.fingerprint == InvalidAttrNumber
                          ? InvalidOid
                          : find_index(relation, table.fingerprint);
        table.is_usable = relation->rd_rel->relkind == RELKIND_RELATION &&
                          OidIsValid(table.index) && table.issued_before != InvalidAttrNumber &&
                          table.until != InvalidAttrNumber;
        /* Empty pages count as rows: the look-up finds none. */
        table.has_rows = !table.is_usable || RelationGetNumberOfBlocks(relation) > 0;
    }
    table_close(relation, AccessShareLock);
}

bool pgsj_revocation_table_refresh(void)
{
    uint64 invalidations;
    Oid oid;

    /* Without a transaction, or before the login is over, there is no catalog to look into; a token
     * that is read later is checked then. */
    if (!IsTransactionState() || !OidIsValid(MyDatabaseId))
        return false;
    AcceptInvalidationMessages();
    if (!pgsj_revocation_table_changed() && OidIsValid(table.oid))
        return false;
    /* A table that is made later invalidates nothing that is known here. */
    invalidations = table.invalidations;
    oid = find_table();
    if (!pgsj_revocation_table_changed() && !OidIsValid(oid))
        return false;
    load(oid);
    table.loaded_at = invalidations;
    return true;
}

bool pgsj_revocation_table_has_rows(void)
{
    return table.has_rows && IsTransactionState();
}

static bool is_after(Relation relation, HeapTuple row, AttrNumber column, TimestampTz time)
{
    bool isnull;
    /* heap_getattr() is inline. From some minor releases on it calls a function that earlier ones
     * do not have, so the module would not load there. */
    const Datum value = SPI_getbinval(row, RelationGetDescr(relation), column, &isnull);

    return isnull || DatumGetTimestampTz(value) > time;
}

static bool matches(Relation relation, HeapTuple row, const pgsj_revocation_match *match)
{
    if (!is_after(relation, row, table.until, pgsj_timestamp(match->now)))
        return false;
    return !match->has_issued_at ||
           is_after(relation, row, table.issued_before, pgsj_timestamp(match->issued_at));
}

/* The rows are read as those of a catalog: with a snapshot of this moment, in each isolation
 * level and also in a parallel operation. */
static void search(Relation relation, pgsj_revocation_match *match)
{
    struct {
        int32 header;
        pgsj_fingerprint fingerprint;
    } wanted = {.fingerprint = *match->fingerprint};
    SysScanDesc scan;
    ScanKeyData key;
    HeapTuple row;

    SET_VARSIZE(&wanted, sizeof(wanted));
    ScanKeyInit(&key, table.fingerprint, BTEqualStrategyNumber, F_BYTEAEQ,
                PointerGetDatum(&wanted));
    scan = systable_beginscan(relation, table.index, true, NULL, 1, &key);
    while (!match->found && HeapTupleIsValid(row = systable_getnext(scan)))
        match->found = matches(relation, row, match);
    systable_endscan(scan);
    match->found_in = "table auth.revocation";
}

bool pgsj_revocation_table_find(pgsj_revocation_match *match, pgsj_failure *failure)
{
    Relation relation;

    if (!table.is_usable)
        return pgsj_set_failure(failure, PGSJ_FAILURE_NO_REVOCATIONS,
                                "table auth.revocation: It is not as the extension made it.");
    relation = try_table_open(table.oid, AccessShareLock);
    if (relation == NULL)
        return true; /* dropped a moment ago */
    search(relation, match);
    table_close(relation, AccessShareLock);
    return true;
}

void pgsj_revocation_table_install(void)
{
    CacheRegisterRelcacheCallback(invalidate, (Datum)0);
}
