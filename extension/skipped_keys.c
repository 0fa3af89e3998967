/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skipped_keys.c - the keys of a set that are of no use, for SQL to tell.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/json.h"

#include "extension/errors.h"
#include "extension/skipped_keys.h"

const char *pgsj_null_if_not_in_encoding(const char *utf8)
{
    const int encoding = GetDatabaseEncoding();

    if (utf8 == NULL || encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return utf8;
    for (const char *c = utf8; *c != '\0'; c++)
        if (IS_HIGHBIT_SET(*c))
            return NULL;
    return utf8;
}

void pgsj_append_skipped(StringInfo json, const sjwt_keyset *keys)
{
    const char *key_id;
    sjwt_error why;
    size_t index;

    for (size_t n = 0; sjwt_keyset_skipped(keys, n, &index, &key_id, &why); n++) {
        appendStringInfo(json, "%s{\"index\":%zu,\"kid\":", json->len > 1 ? "," : "", index);
        key_id = pgsj_null_if_not_in_encoding(key_id);
        if (key_id == NULL)
            appendStringInfoString(json, "null");
        else
            escape_json(json, key_id);
        appendStringInfoString(json, ",\"reason\":");
        escape_json(json, psprintf("%s%s%s", sjwt_status_text(why.status),
                                   why.detail[0] == '\0' ? "" : ": ", why.detail));
        appendStringInfoChar(json, '}');
    }
}

void pgsj_prepare_keys(const sjwt_keyset *keys)
{
    pgsj_failure failure = {.kind = PGSJ_FAILURE_JWT};

    CHECK_FOR_INTERRUPTS();
    if (sjwt_keyset_prepare_all(keys, &failure.jwt) != SJWT_OK)
        pgsj_raise_unless_verdict(&failure);
}
