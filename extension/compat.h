/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat.h - what differs between the server versions 14 to 19. Only this file asks for
 * PG_VERSION_NUM, and only this file knows the layout of a structure that the server
 * keeps to itself. Include it last.
 */
#ifndef PGSJ_COMPAT_H
#define PGSJ_COMPAT_H

#include <stdlib.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/jsonb.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#include "storage/procnumber.h"
#else
#include "postmaster/autovacuum.h"
#include "replication/walsender.h"
#include "storage/backendid.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#endif

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 200000
#error "pg_session_jwt supports PostgreSQL 14 to 19"
#endif

/* Before 16 the server leaves this empty, and with hidden visibility the
 * module would then export nothing. */
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))

/* PG_FUNCTION_INFO_V1 declares the function itself for export since 16 only. */
#define PGSJ_FUNCTION(name)                                                                        \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
    PG_FUNCTION_INFO_V1(name)

/* Since 18 the magic block has the module's name and version, which
 * pg_get_loaded_modules() shows. */
#ifdef PG_MODULE_MAGIC_EXT
#define PGSJ_MODULE_MAGIC(module_name, module_version)                                             \
    PG_MODULE_MAGIC_EXT(.name = (module_name), .version = (module_version))
#else
#define PGSJ_MODULE_MAGIC(module_name, module_version) PG_MODULE_MAGIC
#endif

/* Declared by the server from 15 on, and never with default visibility before 16. */
PGDLLEXPORT void _PG_init(void);

/* Since 17, and in minor releases of 14 to 16 since late 2024. */
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

/* The setting called name, also one that no library has defined yet; NULL if none. */
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

/* Where the value of the setting called name came from that RESET returns to;
 * PGC_S_DEFAULT if there is no such setting. */
static inline GucSource pgsj_setting_reset_source(const char *name)
{
    const struct config_generic *setting = pgsj_find_setting(name);

    return setting == NULL ? PGC_S_DEFAULT : setting->reset_source;
}

/* Where the value of the setting called name came from; PGC_S_DEFAULT if there is no such setting. */
static inline GucSource pgsj_setting_source(const char *name)
{
    const struct config_generic *setting = pgsj_find_setting(name);

    return setting == NULL ? PGC_S_DEFAULT : setting->source;
}

/* Takes flags away from the setting called name, which exists. */
static inline void pgsj_setting_clear_flags(const char *name, int flags)
{
    pgsj_find_setting(name)->flags &= ~flags;
}

/* Memory for a check hook's "extra" or value, which the server frees; NULL: none left. */
static inline void *pgsj_guc_malloc(size_t size)
{
#if PG_VERSION_NUM >= 160000
    return guc_malloc(LOG, size);
#else
    return malloc(size);
#endif
}

/* Frees such memory, or a value that the server made. */
static inline void pgsj_guc_free(void *memory)
{
#if PG_VERSION_NUM >= 160000
    guc_free(memory);
#else
    free(memory);
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

/*
 * Builds a jsonb value. Begin with a zeroed builder; pgsj_jsonb_push() as
 * pushJsonbValue(); after the last WJB_END_OBJECT pgsj_jsonb_result() has the value,
 * which lives in the current memory context.
 */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState pgsj_jsonb_builder;
#else
typedef struct pgsj_jsonb_builder {
    JsonbParseState *parseState;
    JsonbValue *result;
} pgsj_jsonb_builder;
#endif

static inline void pgsj_jsonb_push(pgsj_jsonb_builder *builder, JsonbIteratorToken token,
                                   JsonbValue *value)
{
#if PG_VERSION_NUM >= 190000
    pushJsonbValue(builder, token, value);
#else
    builder->result = pushJsonbValue(&builder->parseState, token, value);
#endif
}

static inline Jsonb *pgsj_jsonb_result(const pgsj_jsonb_builder *builder)
{
    return JsonbValueToJsonb(builder->result);
}

/* Since 17 a library can have shared memory without being loaded when the server starts. */
#if PG_VERSION_NUM >= 170000
#define PGSJ_NAMED_SEGMENTS

/* The segment of this name, of size octets, made where it is not there yet: initialize(segment,
 * argument) is then called before another process can attach to it. Raises where there is no
 * memory. */
#if PG_VERSION_NUM >= 190000
static inline void *pgsj_named_segment(const char *name, size_t size,
                                       void (*initialize)(void *segment, void *argument),
                                       void *argument)
{
    bool found;

    return GetNamedDSMSegment(name, size, initialize, &found, argument);
}
#else
static struct {
    void (*initialize)(void *segment, void *argument);
    void *argument;
} pgsj_new_segment;

static inline void pgsj_initialize_segment(void *segment)
{
    pgsj_new_segment.initialize(segment, pgsj_new_segment.argument);
}

static inline void *pgsj_named_segment(const char *name, size_t size,
                                       void (*initialize)(void *segment, void *argument),
                                       void *argument)
{
    bool found;

    pgsj_new_segment.initialize = initialize;
    pgsj_new_segment.argument = argument;
    return GetNamedDSMSegment(name, size, pgsj_initialize_segment, &found);
}
#endif
#else

/* From _PG_init() while the server starts: requests size() octets of shared memory. */
#if PG_VERSION_NUM >= 150000
static Size (*pgsj_requested_size)(void);
static shmem_request_hook_type pgsj_next_request;

static inline void pgsj_request(void)
{
    if (pgsj_next_request != NULL)
        pgsj_next_request();
    RequestAddinShmemSpace(pgsj_requested_size());
}

static inline void pgsj_request_shared_memory(Size (*size)(void))
{
    pgsj_requested_size = size;
    pgsj_next_request = shmem_request_hook;
    shmem_request_hook = pgsj_request;
}
#else
static inline void pgsj_request_shared_memory(Size (*size)(void))
{
    RequestAddinShmemSpace(size());
}
#endif
#endif

/* How many backends the server can have, also while it starts. */
static inline int pgsj_max_backends(void)
{
#if PG_VERSION_NUM >= 150000
    return MaxBackends;
#else
    return MaxConnections + autovacuum_max_workers + 1 + max_worker_processes + max_wal_senders;
#endif
}

/* The number of this process among them, from 0; -1 where it has none. */
static inline int pgsj_backend_number(void)
{
#if PG_VERSION_NUM >= 170000
    return MyProcNumber;
#else
    return MyBackendId == InvalidBackendId ? -1 : MyBackendId - 1;
#endif
}

#endif
