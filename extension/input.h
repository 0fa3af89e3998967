/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.h - values of SQL types from text, by the types' own input functions.
 *
 * All of these allocate in the current memory context and do not free what they need on the
 * way: call them in a short-lived one.
 */
#ifndef PGSJ_INPUT_H
#define PGSJ_INPUT_H

#include "postgres.h"

#include "extension/errors.h"

/* uuid from text of len octets; false where it is no uuid. */
bool pgsj_uuid_from_text(const char *text, int len, Datum *out);

/*
 * jsonb from JSON. Both return false and set *failure where the JSON is not acceptable as jsonb,
 * or where the database's encoding lacks one of its characters.
 */

/* From NUL-terminated text in the database's encoding, which need not be valid. Objects and
 * arrays may nest as deep as in a token (SJWT_MAX_JSON_DEPTH). */
bool pgsj_jsonb_from_text(const char *json, Datum *out, pgsj_failure *failure);

/* From len octets of strict JSON in UTF-8, as the core hands it over; json[len] is NUL. */
bool pgsj_jsonb_from_utf8(const char *json, size_t len, Datum *out, pgsj_failure *failure);

#endif
