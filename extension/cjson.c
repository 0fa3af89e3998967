/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cjson.c - the module's own binding to the cJSON library.
 *
 * The server loads modules RTLD_GLOBAL, so a function that is linked from a shared library
 * comes from the first module that exports its name. An archive avoids that, but few systems
 * have one of cJSON. So the functions that the core calls are defined here, hidden in the
 * module, and pass the call on to the library, opened by its name. RTLD_DEEPBIND makes the
 * library use its own functions too.
 */
#include "postgres.h"

#include "extension/cjson.h"
#include "cjson_soname.h"

#ifdef CJSON_SONAME

#include <cjson/cJSON.h>
#include <dlfcn.h>
#include <link.h>

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0
#endif

#define FUNCTIONS(X)                                                                               \
    X(cJSON_ParseWithLengthOpts)                                                                   \
    X(cJSON_Delete)                                                                                \
    X(cJSON_GetObjectItemCaseSensitive)                                                            \
    X(cJSON_IsArray)                                                                               \
    X(cJSON_IsBool)                                                                                \
    X(cJSON_IsNull)                                                                                \
    X(cJSON_IsNumber)                                                                              \
    X(cJSON_IsObject)                                                                              \
    X(cJSON_IsString)                                                                              \
    X(cJSON_IsTrue)

#define POINTER(name) __typeof__(name) *name;
static struct {
    FUNCTIONS(POINTER)
} functions;

#define NAME(name) #name,
static const char *const names[] = {FUNCTIONS(NAME)};

StaticAssertDecl(sizeof(functions) == lengthof(names) * sizeof(void *),
                 "a function pointer has the size of an object pointer");

cJSON *cJSON_ParseWithLengthOpts(const char *value, size_t buffer_length,
                                 const char **return_parse_end, cJSON_bool require_null_terminated)
{
    return functions.cJSON_ParseWithLengthOpts(value, buffer_length, return_parse_end,
                                               require_null_terminated);
}

void cJSON_Delete(cJSON *item)
{
    functions.cJSON_Delete(item);
}

cJSON *cJSON_GetObjectItemCaseSensitive(const cJSON *const object, const char *const string)
{
    return functions.cJSON_GetObjectItemCaseSensitive(object, string);
}

#define PREDICATE(name)                                                                            \
    cJSON_bool name(const cJSON *const item)                                                       \
    {                                                                                              \
        return functions.name(item);                                                               \
    }
PREDICATE(cJSON_IsArray)
PREDICATE(cJSON_IsBool)
PREDICATE(cJSON_IsNull)
PREDICATE(cJSON_IsNumber)
PREDICATE(cJSON_IsObject)
PREDICATE(cJSON_IsString)
PREDICATE(cJSON_IsTrue)

static void raise_unusable(const char *detail)
{
    ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR), errmsg("could not load the cJSON library"),
                    errdetail("%s", detail)));
}

static int read_loads(struct dl_phdr_info *first, size_t size, void *loads)
{
    (void)size;
    *(unsigned long long *)loads = first->dlpi_adds;
    return 1;
}

/* How often this process has loaded a library. */
static unsigned long long count_loads(void)
{
    unsigned long long loads = 0;

    (void)dl_iterate_phdr(read_loads, &loads);
    return loads;
}

void pgsj_cjson_open(void)
{
    const int flags = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
    void *pointers[lengthof(names)];
    void *library;
    unsigned long long loads;
    bool bound_by_others;

    /* An ERROR after this function makes the server call it again. */
    if (functions.cJSON_Delete != NULL)
        return;
    loads = count_loads();
    library = dlopen(CJSON_SONAME, flags);
    /* If the library was loaded before, it was bound without RTLD_DEEPBIND. */
    bound_by_others = count_loads() == loads || RTLD_DEEPBIND == 0;
    if (library == NULL)
        raise_unusable(dlerror());
    for (size_t i = 0; i < lengthof(names); i++) {
        /* Each look-up searches all libraries of the server. */
        void *global = bound_by_others ? dlsym(RTLD_DEFAULT, names[i]) : NULL;

        pointers[i] = dlsym(library, names[i]);
        if (pointers[i] == NULL)
            raise_unusable(psprintf("It has no function %s.", names[i]));
        if (global != NULL && global != pointers[i])
            raise_unusable(psprintf("Another module exports %s, and cJSON may use it.", names[i]));
    }
    memcpy(&functions, pointers, sizeof(functions));
}

#else

void pgsj_cjson_open(void)
{
}

#endif
