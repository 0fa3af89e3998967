/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.c - loads another shared library, as a module that links it does.
 */
#include "postgres.h"

#include <dlfcn.h>

#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(test_load);

Datum test_load(PG_FUNCTION_ARGS)
{
    const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

    if (dlopen(name, RTLD_NOW | RTLD_GLOBAL) == NULL)
        elog(ERROR, "%s", dlerror());
    PG_RETURN_VOID();
}
