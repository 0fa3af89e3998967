/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "fetch_worker/configuration.h"

#define NAME(setting) "pg_session_jwt." setting

/* The document as it was read last. */
static struct {
    struct stat state; /* all zero: there was none */
    bool broken;       /* that was logged */
} document;

/* The value of a setting, "" where it has none. */
static const char *setting(const char *name)
{
    const char *value = GetConfigOption(name, true, false);

    return value == NULL ? "" : value;
}

static bool is_on(const char *name)
{
    return strcmp(setting(name), "on") == 0;
}

static int number(const char *name, int otherwise)
{
    const char *value = setting(name);

    return value[0] == '\0' ? otherwise : (int)strtol(value, NULL, 10);
}

static void read_options(sjwt_fetch_options *options)
{
    List *words = NIL;
    ListCell *cell;

    *options = (sjwt_fetch_options){.ca_file = pstrdup(setting(NAME("fetch_ca_file")))};
    if (!SplitGUCList(pstrdup(setting(NAME("fetch_allow"))), ',', &words))
        return;
    foreach (cell, words) {
        const char *word = lfirst(cell);

        (void)sjwt_fetch_options_allow(options, word, strlen(word));
    }
}

static void add_target(pgsj_fetch_configuration *to, const char *issuer, const char *url)
{
    pgsj_fetch_target *target = palloc(sizeof(*target));

    target->issuer = issuer == NULL ? NULL : pstrdup(issuer);
    target->url = url == NULL ? NULL : pstrdup(url);
    to->targets = lappend(to->targets, target);
}

/* ---- the document of issuers ------------------------------------------- */

/* The path of the document, or NULL where there is none. */
static const char *document_path(void)
{
    const char *path = setting(NAME("issuers_file"));

    if (path[0] == '\0' || is_absolute_path(path))
        return path[0] == '\0' ? NULL : path;
    return psprintf("%s/%s", DataDir, path);
}

static bool same_document(const struct stat *now)
{
    const struct stat *then = &document.state;

    return then->st_dev == now->st_dev && then->st_ino == now->st_ino &&
           then->st_size == now->st_size && then->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           then->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

bool pgsj_fetch_configuration_is_old(void)
{
    const char *path = document_path();
    struct stat now;

    if (path == NULL || stat(path, &now) != 0)
        memset(&now, 0, sizeof(now));
    return !same_document(&now);
}

/* Returns the text in the current context, or NULL. */
static char *read_document(const char *path, size_t *len)
{
    const int fd = BasicOpenFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
    char *text = NULL;
    ssize_t got;

    memset(&document.state, 0, sizeof(document.state));
    if (fd < 0)
        return NULL;
    if (fstat(fd, &document.state) == 0 && S_ISREG(document.state.st_mode) &&
        document.state.st_size <= SJWT_MAX_KEYSET_SIZE) {
        text = palloc((size_t)document.state.st_size + 1);
        got = read(fd, text, (size_t)document.state.st_size);
        if (got != (ssize_t)document.state.st_size) {
            pfree(text);
            text = NULL;
        } else {
            *len = (size_t)got;
            text[got] = '\0';
        }
    }
    (void)close(fd);
    return text;
}

static bool add_document(pgsj_fetch_configuration *to, const char *path)
{
    sjwt_issuers *issuers = NULL;
    size_t len = 0;
    char *text = read_document(path, &len);

    if (text == NULL || sjwt_issuers_parse(NULL, text, len, &issuers, NULL) != SJWT_OK)
        return false;
    for (size_t i = 0; i < sjwt_issuers_count(issuers); i++) {
        const sjwt_issuer *issuer = sjwt_issuers_get(issuers, i);

        if (issuer->discovery || issuer->keys_url != NULL)
            add_target(to, issuer->issuer, issuer->keys_url);
    }
    sjwt_issuers_free(issuers);
    return true;
}

static void copy_targets(pgsj_fetch_configuration *to, const pgsj_fetch_configuration *from)
{
    ListCell *cell;

    if (from == NULL)
        return;
    foreach (cell, from->targets) {
        const pgsj_fetch_target *target = lfirst(cell);

        add_target(to, target->issuer, target->url);
    }
}

/* ---- settings ---------------------------------------------------------- */

static void read_targets(pgsj_fetch_configuration *to, const pgsj_fetch_configuration *before)
{
    const char *issuer = setting(NAME("issuer"));
    const char *url = setting(NAME("jwks_url"));
    const char *path = document_path();

    if (!is_on(NAME("fetch")))
        return;
    if (url[0] != '\0')
        add_target(to, NULL, url);
    if (is_on(NAME("discovery")) && issuer[0] != '\0')
        add_target(to, issuer, NULL);
    if (path == NULL) {
        memset(&document.state, 0, sizeof(document.state));
        document.broken = false;
        return;
    }
    if (add_document(to, path)) {
        document.broken = false;
        return;
    }
    copy_targets(to, before);
    if (!document.broken)
        ereport(LOG, (errmsg("could not use the document of issuers \"%s\"", path),
                      errdetail("The worker that fetches keys goes on with what it had.")));
    document.broken = true;
}

pgsj_fetch_configuration *pgsj_fetch_configuration_read(pgsj_fetch_configuration *before)
{
    MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "pg_session_jwt configuration",
                                                 ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(memory);
    pgsj_fetch_configuration *result = palloc0(sizeof(*result));

    result->memory = memory;
    result->stale_grace_s = number(NAME("stale_grace"), 86400);
    result->ring_interval_ms = number(NAME("unknown_kid_interval"), 30) * 1000;
    read_options(&result->options);
    read_targets(result, before);
    MemoryContextSwitchTo(caller);
    if (before != NULL)
        MemoryContextDelete(before->memory);
    return result;
}
