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
#include "extension/trust_settings.h"

/* Another one for each trust there was. */
static uint64 generation;

static jwt_keyset *session_key;
static jwt_trust session_key_trust;
static psj_trust session_trust;

/* What is pinned, as it was last made of settings and files. */
static bool made;
static bool usable; /* else unusable tells why; of kind PSJ_FAILURE_JWT: to be tried again */
static MemoryContext pinned_memory;
static jwt_keyset *inline_keys;
static psj_trust pinned;
static psj_failure unusable;
static TimestampTz looked_at; /* the statement for which the files were looked at */

static bool is_set(const char *setting)
{
    return setting != NULL && setting[0] != '\0';
}

psj_trust_mode psj_trust_mode_in_force(void)
{
    if (is_set(psj_jwks) || is_set(psj_jwks_file) || is_set(psj_issuers_file))
        return PSJ_TRUST_ISSUER;
    /* An empty key is a key that verifies nothing, not the lack of one. */
    if (psj_jwk != NULL)
        return PSJ_TRUST_SESSION_KEY;
    return psj_claims_fallback ? PSJ_TRUST_CLAIMS : PSJ_TRUST_NONE;
}

bool psj_trust_verifies(void)
{
    const psj_trust_mode mode = psj_trust_mode_in_force();

    return mode == PSJ_TRUST_SESSION_KEY || mode == PSJ_TRUST_ISSUER;
}

/* ---- session key ------------------------------------------------------- */

static const psj_trust *session_key_in_force(psj_failure *failure)
{
    jwt_allocator allocator;

    if (session_key != NULL)
        return &session_trust;

    if (psj_jwk == NULL) {
        failure->kind = PSJ_FAILURE_MISSING_KEY;
        return NULL;
    }
    allocator = psj_allocator(psj_memory);
    if (jwt_keyset_parse_public_jwk(&allocator, psj_jwk, strlen(psj_jwk), &session_key,
                                    &failure->jwt) != JWT_OK) {
        failure->kind = PSJ_FAILURE_JWT;
        return NULL;
    }
    session_key_trust = (jwt_trust){
        .keys = session_key, .algorithms = jwt_keyset_algorithms(session_key), .agreed_key = true};
    generation++;
    session_trust = (psj_trust){.generation = generation,
                                .trusts = &session_key_trust,
                                .trust_count = 1,
                                .leeway = (uint32)psj_leeway,
                                .rising_jti = true};
    return &session_trust;
}

/* ---- issuers ----------------------------------------------------------- */

static bool misconfigured(const char *format, const char *argument)
{
    unusable.kind = PSJ_FAILURE_MISCONFIGURED;
    psj_set_detail(&unusable, format, argument);
    return false;
}

static bool refused(const char *setting)
{
    if (strcmp(setting, "pg_session_jwt.jwk") == 0)
        return misconfigured("The value of %s that this connection began with was refused: "
                             "ALTER ROLE and ALTER DATABASE cannot set it. Take it away there "
                             "with RESET, and set it in postgresql.conf or when connecting.",
                             setting);
    return misconfigured("The value of %s that this connection began with was refused.", setting);
}

static bool has_no_keys(const char *where, const char *name, const char *why)
{
    unusable.kind = PSJ_FAILURE_NO_KEYS;
    psj_set_detail(&unusable, "%s%s: %s", where, name, why);
    return false;
}

/* The functions below allocate in pinned_memory, which is current. */

static bool read_list(const char *setting, const char *value, jwt_string_list *out)
{
    List *words = NIL;
    const char **items;
    ListCell *cell;
    size_t count = 0;

    *out = (jwt_string_list){0};
    if (!is_set(value))
        return true;
    if (!SplitGUCList(pstrdup(value), ',', &words))
        return misconfigured("The value of %s is not a list.", setting);
    /* Blanks are not the empty value: somebody meant to ask for something. */
    if (words == NIL)
        return misconfigured("The value of %s is a list with no item.", setting);
    items = palloc(sizeof(*items) * (size_t)list_length(words));
    foreach (cell, words)
        items[count++] = lfirst(cell);
    *out = (jwt_string_list){.items = items, .count = count};
    return true;
}

/* What holds for each issuer that has nothing else of its own. */
static bool read_terms(jwt_trust *out)
{
    *out = (jwt_trust){0};
    if (is_set(psj_algorithms) && jwt_algorithms_parse(psj_algorithms, strlen(psj_algorithms),
                                                       &out->algorithms, NULL) != JWT_OK)
        return misconfigured("The value of %s has a name that is not one of an algorithm.",
                             "pg_session_jwt.algorithms");
    return read_list("pg_session_jwt.audience", psj_audience, &out->audiences) &&
           read_list("pg_session_jwt.required_claims", psj_required_claims,
                     &out->required_claims) &&
           read_list("pg_session_jwt.token_types", psj_token_types, &out->types);
}

static void add_keys(jwt_trust *trust, const jwt_keyset *keys)
{
    const jwt_algorithm_set public_key = jwt_public_key_algorithms();

    trust->keys = keys;
    /* Shared secrets count only where they are asked for by name. Where there
     * are no keys, it is those that are missed, not an algorithm. */
    if (trust->algorithms == 0)
        trust->algorithms = keys == NULL ? public_key : jwt_keyset_algorithms(keys) & public_key;
}

static bool pin(const jwt_trust *trusts, const psj_keyfile *const *files, size_t count)
{
    pinned = (psj_trust){.generation = generation,
                         .trusts = trusts,
                         .trust_count = count,
                         .files = files,
                         .leeway = (uint32)psj_leeway};
    return true;
}

static bool pin_one(const jwt_trust *terms, const jwt_keyset *keys, const psj_keyfile *file)
{
    jwt_trust *trust = palloc(sizeof(*trust));
    const psj_keyfile **files = palloc(sizeof(const psj_keyfile *));

    *trust = *terms;
    if (is_set(psj_issuer))
        trust->issuer = pstrdup(psj_issuer);
    add_keys(trust, keys);
    *files = file;
    return pin(trust, files, 1);
}

static bool pin_inline(const jwt_trust *terms)
{
    const jwt_allocator allocator = psj_allocator(psj_memory);
    jwt_error error;

    if (jwt_keyset_parse(&allocator, psj_jwks, strlen(psj_jwks), &inline_keys, &error) == JWT_OK)
        return pin_one(terms, inline_keys, NULL);
    /* These say nothing of the keys. */
    if (error.status == JWT_NO_MEMORY || error.status == JWT_INTERNAL) {
        unusable.kind = PSJ_FAILURE_JWT;
        unusable.jwt = error;
        return false;
    }
    return has_no_keys("pg_session_jwt.jwks", "", jwt_status_text(error.status));
}

static bool pin_file(const jwt_trust *terms)
{
    const psj_keyfile *file = psj_keyfile_use(psj_jwks_file, PSJ_KEYFILE_KEYS);

    if (psj_keyfile_keys(file) == NULL)
        return has_no_keys("file ", psj_jwks_file, psj_keyfile_problem(file));
    return pin_one(terms, psj_keyfile_keys(file), file);
}

static bool pin_issuers(const jwt_trust *terms)
{
    const psj_keyfile *file = psj_keyfile_use(psj_issuers_file, PSJ_KEYFILE_ISSUERS);
    const jwt_issuers *issuers = psj_keyfile_issuers(file);
    const psj_keyfile **files;
    bool any = false;
    jwt_trust *trusts;
    size_t count;

    if (issuers == NULL)
        return has_no_keys("file ", psj_issuers_file, psj_keyfile_problem(file));
    count = jwt_issuers_count(issuers);
    trusts = palloc(sizeof(*trusts) * count);
    files = palloc0(sizeof(const psj_keyfile *) * count);
    for (size_t i = 0; i < count; i++) {
        const jwt_issuer *issuer = jwt_issuers_get(issuers, i);
        const jwt_keyset *keys = issuer->keys;

        if (keys == NULL) {
            files[i] = psj_keyfile_use(issuer->keys_file, PSJ_KEYFILE_KEYS);
            keys = psj_keyfile_keys(files[i]);
            if (keys == NULL)
                (void)has_no_keys("file ", issuer->keys_file, psj_keyfile_problem(files[i]));
        }
        any |= keys != NULL;
        trusts[i] = *terms;
        trusts[i].issuer = issuer->issuer;
        if (issuer->algorithms != 0)
            trusts[i].algorithms = issuer->algorithms;
        if (issuer->audiences.count > 0)
            trusts[i].audiences = issuer->audiences;
        if (issuer->required_claims.count > 0)
            trusts[i].required_claims = issuer->required_claims;
        if (issuer->types.count > 0)
            trusts[i].types = issuer->types;
        add_keys(&trusts[i], keys);
    }
    return any && pin(trusts, files, count);
}

static bool make_pinned(void)
{
    jwt_trust terms;

    if (is_set(psj_jwks) && strncmp(psj_jwks, PSJ_REFUSED, strlen(PSJ_REFUSED)) == 0)
        return refused(psj_jwks + strlen(PSJ_REFUSED));
    if (is_set(psj_jwks) + is_set(psj_jwks_file) + is_set(psj_issuers_file) > 1)
        return misconfigured("%s", "More than one of pg_session_jwt.jwks, pg_session_jwt.jwks_file "
                                   "and pg_session_jwt.issuers_file is set.");
    if (is_set(psj_issuers_file) && is_set(psj_issuer))
        return misconfigured("%s", "pg_session_jwt.issuer is set beside "
                                   "pg_session_jwt.issuers_file, which names the issuers.");
    if (!read_terms(&terms))
        return false;
    if (is_set(psj_jwks))
        return pin_inline(&terms);
    return is_set(psj_jwks_file) ? pin_file(&terms) : pin_issuers(&terms);
}

static void remake_pinned(void)
{
    MemoryContext caller = CurrentMemoryContext;

    jwt_keyset_free(inline_keys);
    inline_keys = NULL;
    if (pinned_memory == NULL)
        pinned_memory =
            AllocSetContextCreate(psj_memory, "pg_session_jwt trust", ALLOCSET_SMALL_SIZES);
    MemoryContextReset(pinned_memory);
    generation++;
    psj_keyfiles_begin_use();
    MemoryContextSwitchTo(pinned_memory);
    usable = make_pinned();
    MemoryContextSwitchTo(caller);
    psj_keyfiles_keep_used();
    made = usable || unusable.kind != PSJ_FAILURE_JWT;
}

static const psj_trust *issuers_in_force(psj_failure *failure)
{
    const TimestampTz statement = GetCurrentStatementStartTimestamp();

    if (looked_at != statement) {
        const bool was_made = made;

        /* What it is made of may be gone, should this end in an ERROR. */
        made = false;
        made = !psj_keyfiles_refresh() && was_made;
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

void psj_trust_explain(const psj_trust *trust, psj_failure *failure)
{
    const psj_keyfile *file;

    if (failure->jwt.status != JWT_KEY_NOT_FOUND || trust->files == NULL)
        return;
    file = trust->files[failure->jwt.trust_index];
    if (file == NULL || psj_keyfile_problem(file)[0] == '\0')
        return;
    failure->kind = PSJ_FAILURE_KEY_FILE;
    psj_set_detail(failure, "its issuer's key file \"%s\" cannot be used: %s",
                   psj_keyfile_path(file), psj_keyfile_problem(file));
}

bool psj_trust_lacks_files(void)
{
    return psj_trust_mode_in_force() == PSJ_TRUST_ISSUER && psj_keyfiles_have_problem();
}

bool psj_trust_permits(psj_failure *failure)
{
    if (psj_jwk == NULL || psj_trust_mode_in_force() != PSJ_TRUST_ISSUER)
        return true;
    failure->kind = PSJ_FAILURE_KEYS_PINNED;
    return false;
}

const psj_trust *psj_trust_in_force(psj_failure *failure)
{
    if (psj_trust_mode_in_force() != PSJ_TRUST_ISSUER)
        return session_key_in_force(failure);
    return psj_trust_permits(failure) ? issuers_in_force(failure) : NULL;
}

void psj_trust_changed(void)
{
    jwt_keyset_free(session_key);
    session_key = NULL;
    made = false;
}

void psj_trust_look_again(void)
{
    looked_at = 0;
}
