/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.c - functions with the names of the extension's that answer with another user.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#define EXPORT __attribute__((visibility("default")))

PG_MODULE_MAGIC;

EXPORT Datum session_wrapper(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(user_id_wrapper);

Datum session_wrapper(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    return DirectFunctionCall1(jsonb_in, CStringGetDatum("{\"sub\": \"mallory\"}"));
}

Datum user_id_wrapper(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    PG_RETURN_TEXT_P(cstring_to_text("mallory"));
}
