/*
 * trust.c - whose word counts for who the user is.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "extension/keyfile.h"
#include "extension/memory.h"
#include "extension/settings.h"
#include "extension/trust.h"

/* Another one for each trust there was. */
static uint64 generation;

static sjwt_keyset *session_key;
static sjwt_issuer_policy session_key_policy;
static pgsj_verification_policy session_trust;

/* What is pinned, as it was last made of settings and files. */
static bool made;
static bool usable; /* else unusable tells why; of kind PGSJ_FAILURE_JWT: to be tried again */
static MemoryContext pinned_memory;
static pgsj_verification_policy pinned;
static pgsj_failure unusable;
static TimestampTz looked_at; /* the statement for which the files were looked at */

static bool is_set(const char *setting)
{
    return setting != NULL && setting[0] != '\0';
}

static bool session_key_is_token(void)
{
    return sjwt_looks_like_token(pgsj_settings.jwk, strlen(pgsj_settings.jwk));
}

pgsj_trust_mode pgsj_trust_mode_in_force(void)
{
    if (pgsj_settings.refused_setting != NULL || is_set(pgsj_settings.jwks) ||
        is_set(pgsj_settings.jwks_file) || is_set(pgsj_settings.issuers_file))
        return PGSJ_TRUST_ISSUER;
    /* An empty key is a key that verifies nothing, not the lack of one. */
    if (pgsj_settings.jwk != NULL)
        return PGSJ_TRUST_SESSION_KEY;
    return pgsj_settings.claims_fallback ? PGSJ_TRUST_CLAIMS : PGSJ_TRUST_NONE;
}

bool pgsj_trust_verifies(void)
{
    const pgsj_trust_mode mode = pgsj_trust_mode_in_force();

    return mode == PGSJ_TRUST_SESSION_KEY || mode == PGSJ_TRUST_ISSUER;
}

/* ---- session key ------------------------------------------------------- */

static const pgsj_verification_policy *session_key_in_force(pgsj_failure *failure)
{
    sjwt_allocator allocator;

    if (session_key != NULL)
        return &session_trust;

    if (pgsj_settings.jwk == NULL) {
        failure->kind = PGSJ_FAILURE_MISSING_KEY;
        return NULL;
    }
    allocator = pgsj_allocator(pgsj_memory);
    if (sjwt_keyset_parse_public_jwk(&allocator, pgsj_settings.jwk, strlen(pgsj_settings.jwk),
                                     &session_key, &failure->jwt) != SJWT_OK ||
        sjwt_keyset_prepare_any(session_key, &failure->jwt) != SJWT_OK) {
        sjwt_keyset_free(session_key);
        session_key = NULL;
        failure->kind = PGSJ_FAILURE_JWT;
        failure->key_is_token = session_key_is_token();
        return NULL;
    }
    session_key_policy = (sjwt_issuer_policy){.keys = session_key,
                                              .algorithms = sjwt_keyset_algorithms(session_key),
                                              .session_key = true};
    generation++;
    session_trust = (pgsj_verification_policy){.generation = generation,
                                               .issuers = &session_key_policy,
                                               .issuer_count = 1,
                                               .leeway = (uint32)pgsj_settings.leeway,
                                               .require_increasing_jti = true};
    return &session_trust;
}

/* ---- issuers ----------------------------------------------------------- */

static bool set_misconfigured_error(const char *format, const char *argument)
{
    unusable.kind = PGSJ_FAILURE_MISCONFIGURED;
    pgsj_set_detail(&unusable, format, argument);
    return false;
}

static bool set_refused_error(const char *setting)
{
    if (strcmp(setting, pgsj_setting_names.jwk) == 0)
        return set_misconfigured_error(
            "The value of %s that this connection began with was refused: "
            "ALTER ROLE and ALTER DATABASE cannot set it. Take it away there "
            "with RESET, and set it in postgresql.conf or when connecting.",
            setting);
    return set_misconfigured_error("The value of %s that this connection began with was refused.",
                                   setting);
}

static bool set_no_keys_error(const char *where, const char *name, const char *why)
{
    unusable.kind = PGSJ_FAILURE_NO_KEYS;
    pgsj_set_detail(&unusable, "%s%s: %s", where, name, why);
    return false;
}

/* The functions below allocate in pinned_memory, which is current. */

static bool read_list(const char *setting, const char *value, sjwt_string_list *out)
{
    List *words = NIL;
    const char **items;
    ListCell *cell;
    size_t count = 0;

    *out = (sjwt_string_list){0};
    if (!is_set(value))
        return true;
    if (!SplitGUCList(pstrdup(value), ',', &words))
        return set_misconfigured_error("The value of %s is not a list.", setting);
    /* Blanks are not the empty value: somebody meant to ask for something. */
    if (words == NIL)
        return set_misconfigured_error("The value of %s is a list with no item.", setting);
    items = palloc(sizeof(*items) * (size_t)list_length(words));
    foreach (cell, words)
        items[count++] = lfirst(cell);
    *out = (sjwt_string_list){.items = items, .count = count};
    return true;
}

/* What holds for each issuer that has nothing else of its own. */
static bool read_terms(sjwt_issuer_policy *out)
{
    *out = (sjwt_issuer_policy){0};
    if (is_set(pgsj_settings.algorithms) &&
        sjwt_algorithms_parse(pgsj_settings.algorithms, strlen(pgsj_settings.algorithms),
                              &out->algorithms, NULL) != SJWT_OK)
        return set_misconfigured_error(
            "The value of %s has a name that is not one of an algorithm.",
            pgsj_setting_names.algorithms);
    return read_list(pgsj_setting_names.audience, pgsj_settings.audience, &out->audiences) &&
           read_list(pgsj_setting_names.required_claims, pgsj_settings.required_claims,
                     &out->required_claims) &&
           read_list(pgsj_setting_names.token_types, pgsj_settings.token_types, &out->types);
}

static void add_keys(sjwt_issuer_policy *trust, const sjwt_keyset *keys)
{
    const sjwt_algorithm_set public_key = sjwt_public_key_algorithms();

    trust->keys = keys;
    /* Shared secrets count only where they are asked for by name. Where there
     * are no keys, it is those that are missed, not an algorithm. */
    if (trust->algorithms == 0)
        trust->algorithms = keys == NULL ? public_key : sjwt_keyset_algorithms(keys) & public_key;
}

static bool pin(const sjwt_issuer_policy *issuers, const pgsj_keyfile *const *files, size_t count)
{
    pinned = (pgsj_verification_policy){.generation = generation,
                                        .issuers = issuers,
                                        .issuer_count = count,
                                        .files = files,
                                        .leeway = (uint32)pgsj_settings.leeway};
    return true;
}

static bool pin_one(const sjwt_issuer_policy *terms, const sjwt_keyset *keys,
                    const pgsj_keyfile *file)
{
    sjwt_issuer_policy *trust = palloc(sizeof(*trust));
    const pgsj_keyfile **files = palloc(sizeof(const pgsj_keyfile *));

    *trust = *terms;
    if (is_set(pgsj_settings.issuer))
        trust->issuer = pstrdup(pgsj_settings.issuer);
    add_keys(trust, keys);
    *files = file;
    return pin(trust, files, 1);
}

static bool pin_inline(const sjwt_issuer_policy *terms)
{
    const sjwt_allocator allocator = pgsj_allocator(pinned_memory);
    sjwt_keyset **keys = pgsj_owned_keyset(pinned_memory);
    sjwt_error error;

    if (sjwt_keyset_parse(&allocator, pgsj_settings.jwks, strlen(pgsj_settings.jwks), keys,
                          &error) == SJWT_OK &&
        sjwt_keyset_prepare_any(*keys, &error) == SJWT_OK)
        return pin_one(terms, *keys, NULL);
    /* These say nothing of the keys. */
    if (error.status == SJWT_NO_MEMORY || error.status == SJWT_INTERNAL) {
        unusable.kind = PGSJ_FAILURE_JWT;
        unusable.jwt = error;
        return false;
    }
    return set_no_keys_error(pgsj_setting_names.jwks, "", sjwt_status_text(error.status));
}

static bool pin_file(const sjwt_issuer_policy *terms)
{
    const pgsj_keyfile *file = pgsj_keyfile_use(pgsj_settings.jwks_file, PGSJ_KEYFILE_KEYS);

    if (pgsj_keyfile_keys(file) == NULL)
        return set_no_keys_error("file ", pgsj_settings.jwks_file, pgsj_keyfile_problem(file));
    return pin_one(terms, pgsj_keyfile_keys(file), file);
}

static bool pin_issuers(const sjwt_issuer_policy *terms)
{
    const pgsj_keyfile *file = pgsj_keyfile_use(pgsj_settings.issuers_file, PGSJ_KEYFILE_ISSUERS);
    const sjwt_issuers *document = pgsj_keyfile_issuers(file);
    const pgsj_keyfile **files;
    bool any = false;
    sjwt_issuer_policy *issuers;
    size_t count;

    if (document == NULL)
        return set_no_keys_error("file ", pgsj_settings.issuers_file, pgsj_keyfile_problem(file));
    count = sjwt_issuers_count(document);
    issuers = palloc(sizeof(*issuers) * count);
    files = palloc0(sizeof(const pgsj_keyfile *) * count);
    for (size_t i = 0; i < count; i++) {
        const sjwt_issuer *issuer = sjwt_issuers_get(document, i);
        const sjwt_keyset *keys = issuer->keys;

        if (keys == NULL) {
            files[i] = pgsj_keyfile_use(issuer->keys_file, PGSJ_KEYFILE_KEYS);
            keys = pgsj_keyfile_keys(files[i]);
            if (keys == NULL)
                (void)set_no_keys_error("file ", issuer->keys_file, pgsj_keyfile_problem(files[i]));
        }
        any |= keys != NULL;
        issuers[i] = *terms;
        issuers[i].issuer = issuer->issuer;
        if (issuer->algorithms != 0)
            issuers[i].algorithms = issuer->algorithms;
        if (issuer->audiences.count > 0)
            issuers[i].audiences = issuer->audiences;
        if (issuer->required_claims.count > 0)
            issuers[i].required_claims = issuer->required_claims;
        if (issuer->types.count > 0)
            issuers[i].types = issuer->types;
        add_keys(&issuers[i], keys);
    }
    return any && pin(issuers, files, count);
}

static bool make_pinned(void)
{
    sjwt_issuer_policy terms;

    if (pgsj_settings.refused_setting != NULL)
        return set_refused_error(pgsj_settings.refused_setting);
    if (is_set(pgsj_settings.jwks) + is_set(pgsj_settings.jwks_file) +
            is_set(pgsj_settings.issuers_file) >
        1)
        return set_misconfigured_error(
            "%s", "More than one of pg_session_jwt.jwks, pg_session_jwt.jwks_file "
                  "and pg_session_jwt.issuers_file is set.");
    if (is_set(pgsj_settings.issuers_file) && is_set(pgsj_settings.issuer))
        return set_misconfigured_error("%s",
                                       "pg_session_jwt.issuer is set beside "
                                       "pg_session_jwt.issuers_file, which names the issuers.");
    if (!read_terms(&terms))
        return false;
    if (is_set(pgsj_settings.jwks))
        return pin_inline(&terms);
    return is_set(pgsj_settings.jwks_file) ? pin_file(&terms) : pin_issuers(&terms);
}

static void remake_pinned(void)
{
    MemoryContext caller = CurrentMemoryContext;

    if (pinned_memory == NULL)
        pinned_memory =
            AllocSetContextCreate(pgsj_memory, "pg_session_jwt trust", ALLOCSET_SMALL_SIZES);
    MemoryContextReset(pinned_memory);
    generation++;
    pgsj_keyfiles_begin_use();
    MemoryContextSwitchTo(pinned_memory);
    usable = make_pinned();
    MemoryContextSwitchTo(caller);
    pgsj_keyfiles_keep_used();
    made = usable || unusable.kind != PGSJ_FAILURE_JWT;
}

static const pgsj_verification_policy *issuers_in_force(pgsj_failure *failure)
{
    const TimestampTz statement = GetCurrentStatementStartTimestamp();

    if (looked_at != statement) {
        const bool was_made = made;

        /* What it is made of may be gone, should this end in an ERROR. */
        made = false;
        made = !pgsj_keyfiles_refresh() && was_made;
        looked_at = statement;
    }
    if (!made)
        remake_pinned();
    if (usable)
        return &pinned;
    *failure = unusable;
    return NULL;
}

/* ---- either ------------------------------------------------------------ */

void pgsj_trust_explain(const pgsj_verification_policy *trust, pgsj_failure *failure)
{
    const pgsj_keyfile *file;

    if (failure->jwt.status != SJWT_KEY_NOT_FOUND || trust->files == NULL)
        return;
    file = trust->files[failure->jwt.issuer_index];
    if (file == NULL || pgsj_keyfile_problem(file)[0] == '\0')
        return;
    failure->kind = PGSJ_FAILURE_KEY_FILE;
    pgsj_set_detail(failure, "its issuer's key file \"%s\" cannot be used: %s",
                    pgsj_keyfile_path(file), pgsj_keyfile_problem(file));
}

bool pgsj_trust_lacks_files(void)
{
    return pgsj_trust_mode_in_force() == PGSJ_TRUST_ISSUER && pgsj_keyfiles_have_problem();
}

bool pgsj_trust_permits(pgsj_failure *failure)
{
    if (pgsj_settings.jwk == NULL || pgsj_trust_mode_in_force() != PGSJ_TRUST_ISSUER)
        return true;
    failure->kind = PGSJ_FAILURE_KEYS_PINNED;
    failure->key_is_token = session_key_is_token();
    return false;
}

const pgsj_verification_policy *pgsj_trust_in_force(pgsj_failure *failure)
{
    if (pgsj_trust_mode_in_force() != PGSJ_TRUST_ISSUER)
        return session_key_in_force(failure);
    return pgsj_trust_permits(failure) ? issuers_in_force(failure) : NULL;
}

void pgsj_trust_changed(void)
{
    sjwt_keyset_free(session_key);
    session_key = NULL;
    made = false;
}

void pgsj_trust_look_again(void)
{
    looked_at = 0;
}
