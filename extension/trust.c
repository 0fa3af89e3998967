/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c - which tokens are accepted: the mode and the policy that the settings ask for.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "extension/bell.h"
#include "extension/file_check.h"
#include "extension/key_source.h"
#include "extension/memory.h"
#include "extension/settings.h"
#include "extension/statistics.h"
#include "extension/trust.h"

/* What was built last from settings and key sources. */
static struct {
    bool built;           /* false: settings or sources changed since */
    bool usable;          /* policy is good; false: failure says why not */
    MemoryContext memory; /* of the policy, but for what the key sources own */
    pgsj_verification_policy policy;
    pgsj_failure failure;
    pgsj_file_check file_check;
    List *bindings;    /* of pgsj_key_binding *, in memory */
    char *session_key; /* the last one, in pgsj_memory; NULL: there was none */
    uint64 session_key_version;
    /* Of the source that a key was missing from last; ticket 0: no fetch runs for it. */
    uint64 rung_id;
    uint64 ticket;
} trust;

pgsj_trust_mode pgsj_trust_current_mode(void)
{
    /* The refused value may have hidden the administrator's mode. */
    if (pgsj_settings.refused_setting != NULL)
        return PGSJ_TRUST_ISSUER;
    switch ((pgsj_mode)pgsj_settings.mode) {
    case PGSJ_MODE_NONE:
        return PGSJ_TRUST_NONE;
    case PGSJ_MODE_CLAIMS:
        return PGSJ_TRUST_CLAIMS;
    case PGSJ_MODE_SESSION_KEY:
        return PGSJ_TRUST_SESSION_KEY;
    case PGSJ_MODE_ISSUER:
        return PGSJ_TRUST_ISSUER;
    case PGSJ_MODE_AUTO:
        break;
    }
    if (pgsj_settings_pin_keys())
        return PGSJ_TRUST_ISSUER;
    /* An empty key is a key that verifies nothing, not the lack of one. */
    return pgsj_settings.jwk != NULL ? PGSJ_TRUST_SESSION_KEY : PGSJ_TRUST_CLAIMS;
}

bool pgsj_trust_mode_is_pinned(void)
{
    return pgsj_settings.mode != PGSJ_MODE_AUTO;
}

const char *pgsj_trust_mode_name(pgsj_trust_mode mode)
{
    switch (mode) {
    case PGSJ_TRUST_NONE:
        return "none";
    case PGSJ_TRUST_CLAIMS:
        return "claims";
    case PGSJ_TRUST_SESSION_KEY:
        return "session key";
    case PGSJ_TRUST_ISSUER:
        return "issuer";
    }
    pg_unreachable();
}

bool pgsj_trust_verifies(void)
{
    const pgsj_trust_mode mode = pgsj_trust_current_mode();

    return mode == PGSJ_TRUST_SESSION_KEY || mode == PGSJ_TRUST_ISSUER;
}

/* ---- failures ---------------------------------------------------------- */

/* Each returns false. */

static bool set_refused_error(const char *setting)
{
    if (strcmp(setting, pgsj_setting_names.jwk) == 0)
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "The value of %s that this connection began with was refused: "
                                "ALTER ROLE and ALTER DATABASE cannot set it. Take it away there "
                                "with RESET, and set it in postgresql.conf or when connecting.",
                                setting);
    return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                            "The value of %s that this connection began with was refused.",
                            setting);
}

static bool set_core_error(const sjwt_error *error)
{
    trust.failure.kind = PGSJ_FAILURE_JWT;
    trust.failure.jwt = *error;
    return false;
}

/* Asks the worker to fetch the keys of a source that lacks one. */
static void ring(const pgsj_key_source *source)
{
    trust.rung_id = pgsj_key_source_fetched_file(source)->id;
    trust.ticket = pgsj_bell_ring(trust.rung_id);
}

static bool set_no_keys_error(const pgsj_key_source *source)
{
    if (!pgsj_key_source_is_file(source) &&
        sjwt_status_is_transient(pgsj_key_source_error(source)->status))
        return set_core_error(pgsj_key_source_error(source));
    if (pgsj_key_source_fetched_file(source) != NULL) {
        ring(source);
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_NO_KEYS, "keys of \"%s\": %s",
                                pgsj_key_source_name(source), pgsj_key_source_problem(source));
    }
    return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_NO_KEYS, "%s%s: %s",
                            pgsj_key_source_is_file(source) ? "file " : "",
                            pgsj_key_source_name(source), pgsj_key_source_problem(source));
}

static bool set_mode_error(pgsj_failure *failure, pgsj_failure_kind kind)
{
    return pgsj_set_failure(failure, kind, "%s is \"%s\".", pgsj_setting_names.mode,
                            GetConfigOption(pgsj_setting_names.mode, false, false));
}

bool pgsj_trust_set_missing_key(pgsj_failure *failure)
{
    const bool is_pinned = pgsj_trust_mode_is_pinned();

    return pgsj_set_failure(failure, PGSJ_FAILURE_MISSING_KEY,
                            is_pinned ? "%s is \"session_key\", and %s is not set."
                                      : "The session is in claims mode: %s is auto, no keys are "
                                        "pinned in this session, and %s is not set.",
                            pgsj_setting_names.mode, pgsj_setting_names.jwk);
}

static bool session_key_is_token(void)
{
    return sjwt_looks_like_token(pgsj_settings.jwk, strlen(pgsj_settings.jwk));
}

/* ---- building ---------------------------------------------------------- */

/* These allocate in trust.memory, which is current. Where they return false, trust.failure
 * says why. */

static bool read_list(const char *setting, const char *value, sjwt_string_list *out)
{
    List *words = NIL;
    const char **items;
    ListCell *cell;
    size_t count = 0;

    *out = (sjwt_string_list){0};
    if (!pgsj_is_set(value))
        return true;
    if (!SplitGUCList(pstrdup(value), ',', &words))
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "The value of %s is not a list.", setting);
    /* A list of blanks only is not the empty value: somebody meant to ask for something. */
    if (words == NIL)
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "The value of %s is a list with no item.", setting);
    items = palloc(sizeof(*items) * (size_t)list_length(words));
    foreach (cell, words)
        items[count++] = lfirst(cell);
    *out = (sjwt_string_list){.items = items, .count = count};
    return true;
}

static bool read_claim_values(const sjwt_claim_rules **out)
{
    const sjwt_allocator allocator = pgsj_allocator(trust.memory);
    const char *value = pgsj_settings.claim_values;
    sjwt_claim_rules *rules = NULL;
    char text[PGSJ_DETAIL_SIZE];
    sjwt_error error;

    *out = NULL;
    if (!pgsj_is_set(value))
        return true;
    if (sjwt_claim_rules_parse(&allocator, value, strlen(value), &rules, &error) != SJWT_OK) {
        if (sjwt_status_is_transient(error.status))
            return set_core_error(&error);
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED, "%s: %s.",
                                pgsj_setting_names.claim_values,
                                pgsj_format_error(text, sizeof(text), &error));
    }
    *out = rules;
    return true;
}

/* What holds for each issuer that has nothing else of its own. */
static bool build_default_policy(sjwt_issuer_policy *out)
{
    *out = (sjwt_issuer_policy){0};
    if (pgsj_is_set(pgsj_settings.algorithms) &&
        sjwt_algorithms_parse(pgsj_settings.algorithms, strlen(pgsj_settings.algorithms),
                              &out->algorithms, NULL) != SJWT_OK)
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "The value of %s has a name that is not one of an algorithm.",
                                pgsj_setting_names.algorithms);
    out->max_lifetime = (uint32)pgsj_settings.max_lifetime;
    return read_claim_values(&out->claims) &&
           read_list(pgsj_setting_names.audience, pgsj_settings.audience, &out->audiences) &&
           read_list(pgsj_setting_names.required_claims, pgsj_settings.required_claims,
                     &out->required_claims) &&
           read_list(pgsj_setting_names.token_types, pgsj_settings.token_types, &out->types);
}

static bool any_fetched(const pgsj_key_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (pgsj_key_source_fetched_file(files->files[i]) != NULL)
            return true;
    return false;
}

static void add_keys(sjwt_issuer_policy *policy, const pgsj_key_files *files,
                     const sjwt_keyset *keys)
{
    const sjwt_algorithm_set public_key = sjwt_public_key_algorithms();

    policy->keys = keys;
    /* A shared secret is used only where its algorithm is asked for by name. Without
     * keys, a token must miss a key, not an algorithm. */
    if (policy->algorithms == 0)
        policy->algorithms = keys == NULL ? public_key : sjwt_keyset_algorithms(keys) & public_key;
    /* Everybody can fetch a secret that the server can. */
    if (any_fetched(files))
        policy->algorithms &= public_key;
}

static void bind_keys(const char *issuer, const pgsj_key_source *source, const sjwt_keyset *keys)
{
    pgsj_key_binding *binding = palloc(sizeof(*binding));

    *binding = (pgsj_key_binding){.issuer = issuer, .source = source, .keys = keys};
    trust.bindings = lappend(trust.bindings, binding);
}

static void bind_files(const char *issuer, const pgsj_key_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        bind_keys(issuer, files->files[i], pgsj_key_source_keys(files->files[i]));
}

/* issuers and key_files are in trust.memory. */
static void fill_policy(const sjwt_issuer_policy *issuers, const pgsj_key_files *key_files,
                        size_t count)
{
    Assert(count > 0);
    trust.policy = (pgsj_verification_policy){
        .issuers = issuers,
        .issuer_count = count,
        .key_files = key_files,
        .leeway = (uint32)pgsj_settings.leeway,
        .require_increasing_jti = issuers[0].session_key,
    };
}

static bool build_policy(const sjwt_issuer_policy *issuers, const pgsj_key_files *key_files,
                         size_t count)
{
    fill_policy(issuers, key_files, count);
    return pgsj_policy_set_digest(&trust.policy) ||
           set_core_error(&(sjwt_error){.status = SJWT_INTERNAL});
}

/* Another number for each session key, and the same when the last one comes back. */
static uint64 session_key_version(void)
{
    if (trust.session_key == NULL || strcmp(trust.session_key, pgsj_settings.jwk) != 0) {
        char *copy = MemoryContextStrdup(pgsj_memory, pgsj_settings.jwk);

        if (trust.session_key != NULL)
            pfree(trust.session_key);
        trust.session_key = copy;
        trust.session_key_version++;
    }
    return trust.session_key_version;
}

static bool build_session_key(void)
{
    const pgsj_key_source *source;
    sjwt_issuer_policy *policy;

    if (pgsj_settings.jwk == NULL)
        return pgsj_trust_set_missing_key(&trust.failure);
    source =
        pgsj_key_source_inline(pgsj_setting_names.jwk, pgsj_settings.jwk, PGSJ_CONTENT_PUBLIC_KEY);
    if (pgsj_key_source_keys(source) == NULL) {
        trust.failure.key_is_token = session_key_is_token();
        return set_core_error(pgsj_key_source_error(source));
    }
    policy = palloc(sizeof(*policy));
    *policy = (sjwt_issuer_policy){
        .keys = pgsj_key_source_keys(source),
        .algorithms = sjwt_keyset_algorithms(pgsj_key_source_keys(source)),
        .session_key = true,
    };
    fill_policy(policy, NULL, 1);
    /* No other process verifies tokens of this key. */
    pgsj_policy_set_version(&trust.policy, session_key_version());
    return true;
}

static void add_file(pgsj_key_files *files, const char *path)
{
    files->files[files->count++] = pgsj_key_source_file(path, PGSJ_CONTENT_KEY_SET);
}

static bool add_fetched(pgsj_key_files *files, const char *issuer, const char *url)
{
    const pgsj_key_source *source = pgsj_key_source_fetched(issuer, url);

    if (source == NULL)
        return set_core_error(&(sjwt_error){.status = SJWT_INTERNAL});
    pgsj_bell_watch(pgsj_key_source_fetched_file(source)->id);
    files->files[files->count++] = source;
    return true;
}

/* Where the keys of an issuer are that are not in a setting or a document. NULL and "" are
 * absent. */
typedef struct key_places {
    const char *path;
    sjwt_string_list paths;
    const char *url;
    const char *discovered_issuer;
} key_places;

/* What is fetched is in files, too. */
static bool find_files(const key_places *places, pgsj_key_files *out)
{
    *out = (pgsj_key_files){
        .files = palloc(sizeof(const pgsj_key_source *) * (places->paths.count + 3))};
    if (pgsj_is_set(places->path))
        add_file(out, places->path);
    for (size_t i = 0; i < places->paths.count; i++)
        add_file(out, places->paths.items[i]);
    if (pgsj_is_set(places->url) && !add_fetched(out, NULL, places->url))
        return false;
    return !pgsj_is_set(places->discovered_issuer) ||
           add_fetched(out, places->discovered_issuer, NULL);
}

/* Sets *out to the keys of an issuer: to those given, and those of the files. NULL where there
 * are none, which trust.failure then explains. A file that has no keys takes away no others. */
static bool join_keys(const sjwt_keyset *keys, const pgsj_key_files *files, const sjwt_keyset **out)
{
    const sjwt_allocator allocator = pgsj_allocator(trust.memory);
    const sjwt_keyset **sets = palloc(sizeof(const sjwt_keyset *) * (files->count + 1));
    sjwt_keyset *joined;
    sjwt_error error;
    size_t count = 0;

    if (keys != NULL)
        sets[count++] = keys;
    for (size_t i = 0; i < files->count; i++)
        if (pgsj_key_source_keys(files->files[i]) != NULL)
            sets[count++] = pgsj_key_source_keys(files->files[i]);
    *out = count == 0 ? NULL : sets[0];
    if (count == 0)
        (void)set_no_keys_error(files->files[0]);
    if (count < 2)
        return true;
    if (sjwt_keyset_join(&allocator, sets, count, &joined, &error) != SJWT_OK)
        return set_core_error(&error);
    *out = joined;
    return true;
}

static bool read_key_files(pgsj_key_files *out)
{
    key_places places = {.path = pgsj_settings.jwks_file, .url = pgsj_settings.jwks_url};

    if (!read_list(pgsj_setting_names.jwks_files, pgsj_settings.jwks_files, &places.paths))
        return false;
    if (places.paths.count > SJWT_MAX_KEY_FILES)
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "The value of %s has more than %d items.",
                                pgsj_setting_names.jwks_files, SJWT_MAX_KEY_FILES);
    if (pgsj_settings.discovery) {
        if (!pgsj_is_set(pgsj_settings.issuer))
            return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                    "%s is on, and %s is not set.", pgsj_setting_names.discovery,
                                    pgsj_setting_names.issuer);
        if (strpbrk(pgsj_settings.issuer, "{}") != NULL)
            return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                    "%s is on, and %s has braces: set %s.",
                                    pgsj_setting_names.discovery, pgsj_setting_names.issuer,
                                    pgsj_setting_names.jwks_url);
        places.discovered_issuer = pgsj_settings.issuer;
    }
    return find_files(&places, out);
}

/* issuer: NULL for none. */
static bool set_issuer(sjwt_issuer_policy *policy, const char *issuer)
{
    sjwt_error error;

    policy->issuer = issuer;
    if (issuer == NULL)
        return true;
    if (sjwt_issuer_check(issuer, policy->claims, &error) != SJWT_OK)
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "%s does not go with %s: %s.", pgsj_setting_names.issuer,
                                pgsj_setting_names.claim_values, error.detail);
    /* Equal subjects of two issuers are two users. */
    if (sjwt_issuer_is_several(issuer, policy->claims))
        policy->subjects = SJWT_SUBJECTS_QUALIFIED;
    return true;
}

/* The issuer that the settings describe. */
static bool build_one_issuer(const sjwt_issuer_policy *default_policy)
{
    const sjwt_keyset *keys = NULL;
    sjwt_issuer_policy *policy = palloc(sizeof(*policy));
    pgsj_key_files *key_files = palloc(sizeof(*key_files));
    const char *issuer = pgsj_is_set(pgsj_settings.issuer) ? pstrdup(pgsj_settings.issuer) : NULL;

    if (pgsj_is_set(pgsj_settings.jwks)) {
        const pgsj_key_source *source = pgsj_key_source_inline(
            pgsj_setting_names.jwks, pgsj_settings.jwks, PGSJ_CONTENT_KEY_SET);

        keys = pgsj_key_source_keys(source);
        bind_keys(issuer, source, keys);
        if (keys == NULL)
            return set_no_keys_error(source);
    }
    if (!read_key_files(key_files))
        return false;
    bind_files(issuer, key_files);
    if (!join_keys(keys, key_files, &keys) || keys == NULL)
        return false;
    *policy = *default_policy;
    if (!set_issuer(policy, issuer))
        return false;
    add_keys(policy, key_files, keys);
    return build_policy(policy, key_files, 1);
}

static sjwt_issuer_policy issuer_policy(const sjwt_issuer *issuer,
                                        const sjwt_issuer_policy *default_policy,
                                        const pgsj_key_files *files, const sjwt_keyset *keys)
{
    sjwt_issuer_policy policy = *default_policy;

    policy.issuer = issuer->issuer;
    policy.subjects = issuer->subjects;
    if (issuer->claims != NULL)
        policy.claims = issuer->claims;
    if (issuer->max_lifetime != 0)
        policy.max_lifetime = issuer->max_lifetime;
    if (issuer->algorithms != 0)
        policy.algorithms = issuer->algorithms;
    if (issuer->audiences.count > 0)
        policy.audiences = issuer->audiences;
    if (issuer->required_claims.count > 0)
        policy.required_claims = issuer->required_claims;
    if (issuer->types.count > 0)
        policy.types = issuer->types;
    add_keys(&policy, files, keys);
    return policy;
}

/* The issuers of a document. One without keys is kept, and its tokens are refused;
 * where none has keys, there is no policy. */
static bool build_issuers(const sjwt_issuer_policy *default_policy)
{
    const pgsj_key_source *source =
        pgsj_key_source_file(pgsj_settings.issuers_file, PGSJ_CONTENT_ISSUERS);
    const sjwt_issuers *document = pgsj_key_source_issuers(source);
    pgsj_key_files *key_files;
    sjwt_issuer_policy *policies;
    bool any_keys = false;
    size_t count;

    if (document == NULL)
        return set_no_keys_error(source);
    count = sjwt_issuers_count(document);
    policies = palloc(sizeof(*policies) * count);
    key_files = palloc(sizeof(*key_files) * count);
    for (size_t i = 0; i < count; i++) {
        const sjwt_issuer *issuer = sjwt_issuers_get(document, i);
        const key_places places = {
            .path = issuer->keys_file,
            .paths = issuer->keys_files,
            .url = issuer->keys_url,
            .discovered_issuer = issuer->discovery ? issuer->issuer : NULL,
        };
        const sjwt_keyset *keys;

        if (!find_files(&places, &key_files[i]))
            return false;
        if (issuer->keys != NULL)
            bind_keys(issuer->issuer, NULL, issuer->keys);
        bind_files(issuer->issuer, &key_files[i]);
        if (!join_keys(issuer->keys, &key_files[i], &keys))
            return false;
        any_keys |= keys != NULL;
        policies[i] = issuer_policy(issuer, default_policy, &key_files[i], keys);
    }
    return any_keys && build_policy(policies, key_files, count);
}

static bool build_pinned(void)
{
    sjwt_issuer_policy default_policy;

    if (pgsj_settings.refused_setting != NULL)
        return set_refused_error(pgsj_settings.refused_setting);
    if (!pgsj_settings_pin_keys())
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_NO_KEYS,
                                "%s is \"issuer\", and none of %s, %s, %s, %s, %s and %s is set.",
                                pgsj_setting_names.mode, pgsj_setting_names.jwks,
                                pgsj_setting_names.jwks_file, pgsj_setting_names.jwks_files,
                                pgsj_setting_names.jwks_url, pgsj_setting_names.discovery,
                                pgsj_setting_names.issuers_file);
    if (pgsj_is_set(pgsj_settings.issuers_file) && pgsj_settings_pin_keys_of_one_issuer())
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "%s is set beside %s, %s, %s, %s or %s, which have the keys of one "
                                "issuer.",
                                pgsj_setting_names.issuers_file, pgsj_setting_names.jwks,
                                pgsj_setting_names.jwks_file, pgsj_setting_names.jwks_files,
                                pgsj_setting_names.jwks_url, pgsj_setting_names.discovery);
    if (pgsj_is_set(pgsj_settings.issuers_file) && pgsj_is_set(pgsj_settings.issuer))
        return pgsj_set_failure(&trust.failure, PGSJ_FAILURE_MISCONFIGURED,
                                "%s is set beside %s, which names the issuers.",
                                pgsj_setting_names.issuer, pgsj_setting_names.issuers_file);
    if (!build_default_policy(&default_policy))
        return false;
    if (pgsj_is_set(pgsj_settings.issuers_file))
        return build_issuers(&default_policy);
    return build_one_issuer(&default_policy);
}

static bool build_for_mode(void)
{
    switch (pgsj_trust_current_mode()) {
    case PGSJ_TRUST_ISSUER:
        return build_pinned();
    case PGSJ_TRUST_SESSION_KEY:
        return build_session_key();
    case PGSJ_TRUST_NONE:
    case PGSJ_TRUST_CLAIMS:
        if (pgsj_trust_mode_is_pinned())
            return set_mode_error(&trust.failure, PGSJ_FAILURE_MODE);
        return pgsj_trust_set_missing_key(&trust.failure);
    }
    pg_unreachable();
}

static void build(void)
{
    MemoryContext caller = CurrentMemoryContext;

    Assert(!trust.built);
    if (trust.memory == NULL)
        trust.memory =
            AllocSetContextCreate(pgsj_memory, "pg_session_jwt trust", ALLOCSET_SMALL_SIZES);
    MemoryContextReset(trust.memory);
    trust.failure = (pgsj_failure){0};
    trust.bindings = NIL;
    pgsj_key_sources_clear_marks();
    MemoryContextSwitchTo(trust.memory);
    trust.usable = build_for_mode();
    MemoryContextSwitchTo(caller);
    pgsj_key_sources_sweep();
    /* The next use tries again after a transient failure. */
    trust.built = trust.usable || trust.failure.kind != PGSJ_FAILURE_JWT ||
                  !sjwt_status_is_transient(trust.failure.jwt.status);
}

/* ---- use --------------------------------------------------------------- */

static void check_files(void)
{
    const bool was_built = trust.built;

    if (!pgsj_file_check_begin(&trust.file_check))
        return;
    /* Should this end in an ERROR, sources may have changed already. */
    trust.built = false;
    if (pgsj_key_sources_refresh())
        pgsj_count(PGSJ_COUNT_KEY_RELOADS);
    else
        trust.built = was_built;
    pgsj_file_check_end(&trust.file_check, pgsj_key_sources_are_known());
}

const pgsj_verification_policy *pgsj_trust_policy(pgsj_failure *failure)
{
    if (!pgsj_trust_check_conflict(failure))
        return NULL;
    check_files();
    if (!trust.built)
        build();
    if (trust.usable)
        return &trust.policy;
    *failure = trust.failure;
    return NULL;
}

/* Adds to *error how many keys of this issuer there are, and where. What has no room is left out. */
static void add_key_places(const char *issuer, sjwt_error *error)
{
    StringInfoData text;
    const char *separator = " (";
    ListCell *cell;

    initStringInfo(&text);
    appendStringInfoString(&text,
                           error->detail[0] != '\0' ? error->detail : "no key has its \"kid\"");
    foreach (cell, trust.bindings) {
        const pgsj_key_binding *binding = lfirst(cell);
        const char *name = binding->source == NULL ? pgsj_setting_names.issuers_file
                                                   : pgsj_key_source_name(binding->source);
        const size_t count = binding->keys == NULL ? 0 : sjwt_keyset_count(binding->keys);

        if (binding->issuer != issuer)
            continue;
        if ((size_t)text.len + strlen(name) + 40 > sizeof(error->detail)) {
            appendStringInfo(&text, "%s...", separator);
            separator = ", ";
            break;
        }
        appendStringInfo(&text, "%s%zu in %s", separator, count, name);
        separator = ", ";
    }
    if (separator[0] == ',')
        appendStringInfoChar(&text, ')');
    strlcpy(error->detail, text.data, sizeof(error->detail));
}

void pgsj_trust_add_key_detail(const pgsj_verification_policy *policy, pgsj_failure *failure)
{
    const pgsj_key_files *files;

    if (failure->jwt.status != SJWT_KEY_NOT_FOUND || policy->key_files == NULL)
        return;
    Assert(failure->jwt.issuer_index < policy->issuer_count);
    files = &policy->key_files[failure->jwt.issuer_index];
    for (size_t i = 0; i < files->count; i++)
        if (pgsj_key_source_fetched_file(files->files[i]) != NULL)
            ring(files->files[i]);
    for (size_t i = 0; i < files->count; i++) {
        const pgsj_key_source *file = files->files[i];

        if (pgsj_key_source_problem(file)[0] == '\0')
            continue;
        (void)pgsj_set_failure(failure, PGSJ_FAILURE_KEY_FILE,
                               "its issuer's key file \"%s\" cannot be used: %s",
                               pgsj_key_source_name(file), pgsj_key_source_problem(file));
        return;
    }
    add_key_places(policy->issuers[failure->jwt.issuer_index].issuer, &failure->jwt);
}

bool pgsj_trust_key_binding(size_t n, pgsj_key_binding *out)
{
    if (n >= (size_t)list_length(trust.bindings))
        return false;
    *out = *(const pgsj_key_binding *)list_nth(trust.bindings, (int)n);
    return true;
}

bool pgsj_trust_wait_for_key(const pgsj_failure *failure)
{
    const uint64 ticket = trust.ticket;
    const bool key_is_missing =
        failure->kind == PGSJ_FAILURE_KEY_FILE || failure->kind == PGSJ_FAILURE_NO_KEYS ||
        (failure->kind == PGSJ_FAILURE_JWT && failure->jwt.status == SJWT_KEY_NOT_FOUND);

    trust.ticket = 0;
    if (!key_is_missing || ticket == 0 || pgsj_settings.unknown_kid_wait == 0)
        return false;
    if (!pgsj_bell_wait(trust.rung_id, ticket, pgsj_settings.unknown_kid_wait))
        return false;
    trust.file_check.done = false;
    return true;
}

bool pgsj_trust_check_conflict(pgsj_failure *failure)
{
    const pgsj_trust_mode mode = pgsj_trust_current_mode();

    if ((mode == PGSJ_TRUST_CLAIMS || mode == PGSJ_TRUST_SESSION_KEY) && pgsj_settings_pin_keys())
        return set_mode_error(failure, PGSJ_FAILURE_KEYS_IN_MODE);
    if (pgsj_settings.jwk == NULL)
        return true;
    if (mode == PGSJ_TRUST_CLAIMS)
        return set_mode_error(failure, PGSJ_FAILURE_JWK_IN_MODE);
    if (mode != PGSJ_TRUST_ISSUER)
        return true;
    failure->kind = PGSJ_FAILURE_KEYS_PINNED;
    failure->key_is_token = session_key_is_token();
    return false;
}

void pgsj_trust_changed(void)
{
    trust.built = false;
    /* How long fetched keys count may have changed. */
    trust.file_check.done = false;
}

void pgsj_trust_transaction_ended(void)
{
    trust.file_check.transaction_over = true;
}
