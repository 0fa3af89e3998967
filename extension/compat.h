/*
 * compat.h - what differs between the server versions 14 to 18; the one place
 * that asks for PG_VERSION_NUM. Include it last.
 */
#ifndef PGSJ_COMPAT_H
#define PGSJ_COMPAT_H

#include <stdlib.h>

#include "fmgr.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

/* Before 16 the server leaves this empty, and with hidden visibility the
 * module would then export nothing. */
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))

/* PG_FUNCTION_INFO_V1 declares the function itself for export since 16 only. */
#define PGSJ_FUNCTION(name)                                                                        \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
    PG_FUNCTION_INFO_V1(name)

/* Declared by the server from 15 on, and never with default visibility before 16. */
PGDLLEXPORT void _PG_init(void);

/* Since 16, and in minor releases of 14 and 15 since late 2024. */
#ifndef GUC_ALLOW_IN_PARALLEL
#define GUC_ALLOW_IN_PARALLEL 0
#endif

#ifndef GUC_NO_RESET
#define GUC_NO_RESET 0
#endif

/* The last parameter of ExecutorRun, gone in 18. */
#if PG_VERSION_NUM >= 180000
#define PGSJ_RUN_ONCE_PARAMETER
#define PGSJ_RUN_ONCE_ARGUMENT
#else
#define PGSJ_RUN_ONCE_PARAMETER , bool run_once
#define PGSJ_RUN_ONCE_ARGUMENT , run_once
#endif

/* The setting of that name, placeholder or not; NULL where there is none. */
static inline struct config_generic *pgsj_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
    return find_option(name, false, true, LOG);
#else
    struct config_generic **settings = get_guc_variables();

    for (int i = 0; i < GetNumConfigOptions(); i++)
        if (pg_strcasecmp(settings[i]->name, name) == 0)
            return settings[i];
    return NULL;
#endif
}

/* Memory for a check hook's "extra", which the server frees; NULL: none left. */
static inline void *pgsj_guc_extra(size_t size)
{
#if PG_VERSION_NUM >= 160000
    return guc_malloc(LOG, size);
#else
    return malloc(size);
#endif
}

static inline void pgsj_reserve_prefix(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
    MarkGUCPrefixReserved(prefix);
#else
    EmitWarningsOnPlaceholders(prefix);
#endif
}

#endif
