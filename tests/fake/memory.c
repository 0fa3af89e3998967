/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of memory on request: the setting fake.fails = 'n' makes the n-th allocation fail that
 * the extension and the core request afterwards. Each new value restarts the count. The
 * linker's --wrap redirects the calls to this file.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "extension/compat.h"

/* fake.c */
extern int fake_handle_count(void);

/* fake_handles() returns int: the handles of the crypto backend that were not released. */
PGSJ_FUNCTION(fake_handles);

Datum fake_handles(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    PG_RETURN_INT32(fake_handle_count());
}

#define WRAPPED(type, name, parameters)                                                            \
    extern type __real_##name parameters;                                                          \
    extern type __wrap_##name parameters;                                                          \
    type __wrap_##name parameters

static bool fails(void)
{
    static char setting[16];
    static int left;
    const char *now = GetConfigOption("fake.fails", true, false);

    if (now == NULL)
        now = "";
    if (strcmp(setting, now) != 0) {
        strlcpy(setting, now, sizeof(setting));
        left = (int)strtol(setting, NULL, 10);
    }
    return left > 0 && --left == 0;
}

static void fail_as_the_server_does(void)
{
    if (fails())
        ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

WRAPPED(void *, MemoryContextAlloc, (MemoryContext context, Size size))
{
    fail_as_the_server_does();
    return __real_MemoryContextAlloc(context, size);
}

WRAPPED(void *, MemoryContextAllocZero, (MemoryContext context, Size size))
{
    fail_as_the_server_does();
    return __real_MemoryContextAllocZero(context, size);
}

WRAPPED(void *, MemoryContextAllocExtended, (MemoryContext context, Size size, int flags))
{
    if ((flags & MCXT_ALLOC_NO_OOM) == 0)
        fail_as_the_server_does();
    else if (fails())
        return NULL;
    return __real_MemoryContextAllocExtended(context, size, flags);
}

WRAPPED(MemoryContext, AllocSetContextCreateInternal,
        (MemoryContext parent, const char *name, Size least, Size first, Size most))
{
    fail_as_the_server_does();
    return __real_AllocSetContextCreateInternal(parent, name, least, first, most);
}

WRAPPED(void *, palloc, (Size size))
{
    fail_as_the_server_does();
    return __real_palloc(size);
}

WRAPPED(char *, pstrdup, (const char *text))
{
    fail_as_the_server_does();
    return __real_pstrdup(text);
}

WRAPPED(char *, pnstrdup, (const char *text, Size len))
{
    fail_as_the_server_does();
    return __real_pnstrdup(text, len);
}

WRAPPED(void *, malloc, (size_t size))
{
    return fails() ? NULL : __real_malloc(size);
}

#if PG_VERSION_NUM >= 160000
WRAPPED(void *, guc_malloc, (int level, size_t size))
{
    return fails() ? NULL : __real_guc_malloc(level, size);
}
#endif
