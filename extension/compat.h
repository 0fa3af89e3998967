/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat.h - what differs between the server versions 14 to 19. Only this file asks for
 * PG_VERSION_NUM, and only this file knows the layout of a structure that the server
 * keeps to itself. Include it last.
 */
#ifndef PGSJ_COMPAT_H
#define PGSJ_COMPAT_H

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 200000
#error "pg_session_jwt supports PostgreSQL 14 to 19"
#endif

#include <stdlib.h>

#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/smgr.h"
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

/*
 * Before 16 the server keeps all settings in one sorted array, and sorts it again for each new
 * one: most of the time that loading takes. Around the definition of one setting, these two
 * functions let the server find the array sorted when it appends, and compare nothing but empty
 * names: all settings are put aside, and come back around the new one.
 */
#if PG_VERSION_NUM < 160000
typedef struct pgsj_definition {
    struct config_generic **aside; /* room to put settings aside */
    bool put_aside;                /* they are */
    int position;                  /* of the new setting */
    int count;                     /* of settings, before */
} pgsj_definition;

/* As the server compares the names of settings. */
static inline int pgsj_compare_names(const char *left, const char *right)
{
    while (*left != '\0' &&
           pg_ascii_tolower((unsigned char)*left) == pg_ascii_tolower((unsigned char)*right)) {
        left++;
        right++;
    }
    return pg_ascii_tolower((unsigned char)*left) - pg_ascii_tolower((unsigned char)*right);
}

/* Where the setting called name is, or would be. */
static inline int pgsj_position_of(const char *name)
{
    struct config_generic **settings = get_guc_variables();
    int low = 0;
    int high = GetNumConfigOptions();

    while (low < high) {
        const int middle = (low + high) / 2;

        if (pgsj_compare_names(settings[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline bool pgsj_is_at(int position, const char *name)
{
    return position < GetNumConfigOptions() &&
           pgsj_compare_names(get_guc_variables()[position]->name, name) == 0;
}

/* Before the first of so many definitions. Raises when there is no memory. */
static inline void pgsj_prepare_definitions(pgsj_definition *definition, size_t definitions)
{
    memset(definition, 0, sizeof(*definition));
    definition->aside =
        palloc(sizeof(struct config_generic *) * ((size_t)GetNumConfigOptions() + definitions));
}

static inline void pgsj_begin_definition(pgsj_definition *definition, const char *name)
{
    static struct config_generic filler = {.name = ""};
    struct config_generic **settings = get_guc_variables();
    const int position = pgsj_position_of(name);
    const int count = GetNumConfigOptions();

    /* The server puts the new setting in the place of the present one, and sorts nothing. */
    if (pgsj_is_at(position, name))
        return;
    definition->put_aside = true;
    definition->position = position;
    definition->count = count;
    memcpy(definition->aside, settings, sizeof(struct config_generic *) * (Size)count);
    for (int i = 0; i < count; i++)
        settings[i] = &filler;
}

/* Also after an ERROR in the definition. */
static inline void pgsj_end_definition(pgsj_definition *definition)
{
    struct config_generic **settings = get_guc_variables();
    const Size before = (Size)definition->position;
    const Size behind = (Size)(definition->count - definition->position);
    const bool added = GetNumConfigOptions() > definition->count;

    if (!definition->put_aside)
        return;
    if (added)
        settings[before] = settings[definition->count];
    memcpy(settings, definition->aside, sizeof(struct config_generic *) * before);
    memcpy(settings + before + added, definition->aside + before,
           sizeof(struct config_generic *) * behind);
    definition->put_aside = false;
}
#else
typedef struct pgsj_definition {
    char unused;
} pgsj_definition;

static inline void pgsj_prepare_definitions(pgsj_definition *definition, size_t definitions)
{
    (void)definition;
    (void)definitions;
}

static inline void pgsj_begin_definition(pgsj_definition *definition, const char *name)
{
    (void)definition;
    (void)name;
}

static inline void pgsj_end_definition(pgsj_definition *definition)
{
    (void)definition;
}
#endif

/* The setting called name, also one that no library has defined yet; NULL if none. */
static inline struct config_generic *pgsj_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
    return find_option(name, false, true, LOG);
#else
    const int position = pgsj_position_of(name);

    return pgsj_is_at(position, name) ? get_guc_variables()[position] : NULL;
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

/* Since 18 the server has logins by OAuth; since 19 a validator can have options in pg_hba.conf,
 * and can say why it refused a token. */
#if PG_VERSION_NUM >= 180000
#define PGSJ_OAUTH
#endif
#if PG_VERSION_NUM >= 190000
#define PGSJ_OAUTH_HBA_OPTIONS
#define PGSJ_OAUTH_ERROR_DETAIL
#endif

/* Since 15. Before 18 there is no login with a token. */
#if PG_VERSION_NUM >= 150000
#define pgsj_enable_timeout_every(id, first, interval_ms)                                          \
    enable_timeout_every(id, first, interval_ms)
#else
#define pgsj_enable_timeout_every(id, first, interval_ms)                                          \
    ((void)(interval_ms), enable_timeout_at(id, first))
#endif

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

/* The names of all settings that begin with prefix, in lower case, in the current context. */
static inline List *pgsj_settings_with_prefix(const char *prefix)
{
    const size_t len = strlen(prefix);
    List *names = NIL;
#if PG_VERSION_NUM >= 160000
    int count;
    struct config_generic **settings = get_guc_variables(&count);

    for (int i = 0; i < count; i++)
        if (pg_strncasecmp(settings[i]->name, prefix, len) == 0)
            names = lappend(names, unconstify(char *, settings[i]->name));
    pfree(settings);
#else
    const int count = GetNumConfigOptions();
    struct config_generic **settings = get_guc_variables();

    for (int i = pgsj_position_of(prefix);
         i < count && pg_strncasecmp(settings[i]->name, prefix, len) == 0; i++)
        names = lappend(names, unconstify(char *, settings[i]->name));
#endif
    return names;
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

/* From _PG_init() while the server starts, for each area: requests shared memory of one() octets.
 * Where the server asks for the request later, this is one request of all() octets. */
#if PG_VERSION_NUM >= 150000
static Size (*pgsj_requested_size)(void);
static shmem_request_hook_type pgsj_next_request;

static inline void pgsj_request(void)
{
    if (pgsj_next_request != NULL)
        pgsj_next_request();
    RequestAddinShmemSpace(pgsj_requested_size());
}

static inline void pgsj_request_shared_memory(Size (*all)(void), Size (*one)(void))
{
    (void)one;
    if (pgsj_requested_size != NULL)
        return;
    pgsj_requested_size = all;
    pgsj_next_request = shmem_request_hook;
    shmem_request_hook = pgsj_request;
}
#else
static inline void pgsj_request_shared_memory(Size (*all)(void), Size (*one)(void))
{
    (void)all;
    RequestAddinShmemSpace(one());
}
#endif
#endif

/* Has the relation's main file no page? False for a relation without a file of its own, and for a
 * temporary one. */
static inline bool pgsj_file_is_empty(const FormData_pg_class *relation)
{
    const Oid tablespace =
        OidIsValid(relation->reltablespace) ? relation->reltablespace : MyDatabaseTableSpace;
    SMgrRelation file;

    if (relation->relkind != RELKIND_RELATION || relation->relpersistence == RELPERSISTENCE_TEMP ||
        !OidIsValid(relation->relfilenode))
        return false;
#if PG_VERSION_NUM >= 170000
    file = smgropen((RelFileLocator){tablespace, MyDatabaseId, relation->relfilenode},
                    INVALID_PROC_NUMBER);
#elif PG_VERSION_NUM >= 160000
    file = smgropen((RelFileLocator){tablespace, MyDatabaseId, relation->relfilenode},
                    InvalidBackendId);
#else
    file =
        smgropen((RelFileNode){tablespace, MyDatabaseId, relation->relfilenode}, InvalidBackendId);
#endif
    return smgrexists(file, MAIN_FORKNUM) && smgrnblocks(file, MAIN_FORKNUM) == 0;
}

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
