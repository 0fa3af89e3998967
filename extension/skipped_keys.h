/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skipped_keys.h - the keys of a set that are of no use, for SQL to tell.
 */
#ifndef PGSJ_SKIPPED_KEYS_H
#define PGSJ_SKIPPED_KEYS_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include <sjwt.h>

/* The text itself, or NULL where the database's encoding may lack one of its characters. */
const char *pgsj_null_if_not_in_encoding(const char *utf8);

/* Prepares the keys, so that those which the crypto library refuses are known too. Raises an
 * ERROR where there is no memory. */
void pgsj_prepare_keys(const sjwt_keyset *keys);

/* Appends an element for each skipped key to json, which begins with "[". */
void pgsj_append_skipped(StringInfo json, const sjwt_keyset *keys);

#endif
