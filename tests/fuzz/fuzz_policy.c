/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy and a token that is signed by a key of this target, so that each rule behind the
 * signature is reached. What is accepted must satisfy the policy by a second opinion.
 *
 * The input is lines. A line begins with a letter, a blank follows, and then the value:
 *   i  an issuer; those of the lines below are this one's  (the first one may have no name)
 *   a  an audience    r  a required claim    t  an accepted type
 *   c  values of claims, as JSON          x  the greatest lifetime
 *   u  its subjects: p plain, s shared, q qualified
 *   g  accepted algorithms                   s  the issuer's key is a session key
 *   k  the issuer's keys: 0 all, 1 a secret without kid, 2 none, 3 others, 4 ES256K alone
 *   n  the time       l  the leeway          j  the last jti          m  the largest size
 *   h  the header, as it is                  e  the token is signed with EdDSA, not HS256
 *   z  there is no issuer: else one without a name, where no line names one
 *   p  the payload: the rest of the input
 */
#include "fuzz.h"

#include <stdio.h>
#include <strings.h>

#include "jwt/json.h"
#include "jwt/memory.h"
#include "jwt/sign.h"
#include <sjwt.h>

#define MAX_ISSUERS 4
#define MAX_ITEMS 4

#define SECRET "\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8\""
#define OTHER "\"kty\":\"oct\",\"k\":\"_____ysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8\""
/* RFC 8037 appendix A.1 */
#define OKP                                                                                        \
    "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define OKP_D "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\""
/* Of the right length, and not on the curve: refused when it is prepared. */
#define OFF_CURVE                                                                                  \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","      \
    "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""

static const char *const key_texts[] = {
    "{\"keys\":[{" SECRET ",\"kid\":\"h\"},{" OKP ",\"kid\":\"e\"},{" OFF_CURVE ",\"kid\":\"c\"}]}",
    "{" SECRET "}",
    NULL,
    "{\"keys\":[{" OTHER "},{" OTHER "},{" OFF_CURVE "},{" SECRET ",\"alg\":\"HS256\"}]}",
    "{" OFF_CURVE "}",
};

#define KEY_TEXT_COUNT (sizeof key_texts / sizeof key_texts[0])

static sjwt_keyset *keys[KEY_TEXT_COUNT];
static sjwt_private_key *secret, *okp;

typedef struct items {
    const char *items[MAX_ITEMS];
    size_t count;
} items;

typedef struct trial {
    sjwt_policy policy;
    sjwt_issuer_policy issuers[MAX_ISSUERS];
    items audiences[MAX_ISSUERS], claims[MAX_ISSUERS], types[MAX_ISSUERS];
    sjwt_claim_rules *rules[MAX_ISSUERS];
    int64_t last_jti;
    const char *header, *payload;
    bool with_okp, without_issuer;
    char *token;
    size_t len;
} trial;

/* ---- reading ------------------------------------------------------------ */

static void add_item(items *list, const char *item)
{
    if (list->count < MAX_ITEMS)
        list->items[list->count++] = item;
}

static void begin_issuer(trial *t, const char *name)
{
    if (t->policy.issuer_count == MAX_ISSUERS)
        return;
    t->issuers[t->policy.issuer_count++] =
        (sjwt_issuer_policy){.issuer = name, .keys = keys[0], .algorithms = sjwt_all_algorithms()};
}

static void read_of_issuer(trial *t, char letter, const char *value)
{
    if (t->policy.issuer_count == 0)
        begin_issuer(t, NULL);
    size_t n = t->policy.issuer_count - 1;

    switch (letter) {
    case 'a':
        add_item(&t->audiences[n], value);
        break;
    case 'r':
        add_item(&t->claims[n], value);
        break;
    case 't':
        add_item(&t->types[n], value);
        break;
    case 'g':
        (void)sjwt_algorithms_parse(value, strlen(value), &t->issuers[n].algorithms, NULL);
        break;
    case 's':
        t->issuers[n].session_key = true;
        break;
    case 'c':
        sjwt_claim_rules_free(NULL, t->rules[n]);
        (void)sjwt_claim_rules_parse(NULL, value, strlen(value), &t->rules[n], NULL);
        t->issuers[n].claims = t->rules[n];
        break;
    case 'x':
        t->issuers[n].max_lifetime = (uint32_t)strtoul(value, NULL, 10);
        break;
    case 'u':
        t->issuers[n].subjects = *value == 'p'   ? SJWT_SUBJECTS_PLAIN
                                 : *value == 's' ? SJWT_SUBJECTS_SHARED
                                                 : SJWT_SUBJECTS_QUALIFIED;
        break;
    default:
        t->issuers[n].keys = keys[strtoul(value, NULL, 10) % KEY_TEXT_COUNT];
    }
}

static void read_line(trial *t, char letter, const char *value)
{
    switch (letter) {
    case 'i':
        begin_issuer(t, value);
        break;
    case 'n':
        t->policy.now = strtoll(value, NULL, 10);
        break;
    case 'l':
        t->policy.leeway = (uint32_t)strtoul(value, NULL, 10);
        break;
    case 'j':
        t->last_jti = strtoll(value, NULL, 10);
        t->policy.last_jti = &t->last_jti;
        break;
    case 'm':
        t->policy.max_token_size = strtoul(value, NULL, 10);
        break;
    case 'h':
        t->header = value;
        break;
    case 'e':
        t->with_okp = true;
        break;
    case 'z':
        t->without_issuer = true;
        break;
    case 'a':
    case 'r':
    case 't':
    case 'g':
    case 's':
    case 'c':
    case 'x':
    case 'u':
    case 'k':
        read_of_issuer(t, letter, value);
        break;
    default:
        break;
    }
}

/* Ends the lines of text in place: the trial borrows from it. */
static void read_trial(char *text, trial *t)
{
    *t = (trial){.payload = "{}"};
    while (*text != '\0') {
        if (text[0] == 'p' && text[1] == ' ') {
            t->payload = text + 2;
            break;
        }
        char *next = text + strcspn(text, "\n");
        if (*next != '\0')
            *next++ = '\0';
        read_line(t, text[0], text[0] != '\0' && text[1] != '\0' ? text + 2 : "");
        text = next;
    }
    if (t->policy.issuer_count == 0 && !t->without_issuer)
        begin_issuer(t, NULL);
    for (size_t n = 0; n < t->policy.issuer_count; n++) {
        sjwt_issuer_policy *issuer = &t->issuers[n];
        issuer->audiences = (sjwt_string_list){t->audiences[n].items, t->audiences[n].count};
        issuer->required_claims = (sjwt_string_list){t->claims[n].items, t->claims[n].count};
        issuer->types = (sjwt_string_list){t->types[n].items, t->types[n].count};
        /* Of several, each has a name. */
        if (t->policy.issuer_count > 1 && issuer->issuer == NULL)
            issuer->issuer = "";
        /* So has one whose users are named by it. */
        if (issuer->subjects == SJWT_SUBJECTS_QUALIFIED && issuer->issuer == NULL)
            issuer->issuer = "";
    }
    t->policy.issuers = t->issuers;
}

/* ---- a second opinion ---------------------------------------------------- */

static bool is_listed(const char *text, const sjwt_string_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(text, list->items[i]) == 0)
            return true;
    }
    return false;
}

static const char *subtype(const char *type)
{
    return strncasecmp(type, "application/", 12) == 0 ? type + 12 : type;
}

static bool has_listed_type(const sjwt_token *token, const sjwt_string_list *types)
{
    const sjwt_allocator allocator = sjwt_allocator_resolve(NULL);
    bool listed = types->count == 0;
    size_t len;
    sjwt_json json;

    const char *header = sjwt_token_header(token, &len);
    must(sjwt_json_parse(&allocator, header, len, SJWT_HEADER_JSON, &json, NULL) == SJWT_OK);
    const char *type = sjwt_json_string(sjwt_json_member(json.root, "typ"));
    for (size_t i = 0; type != NULL && i < types->count; i++)
        listed = listed || strcasecmp(subtype(type), subtype(types->items[i])) == 0;
    sjwt_json_free(&json);
    return listed;
}

static bool has_listed_audience(const sjwt_token *token, const sjwt_string_list *audiences)
{
    bool listed = audiences->count == 0;
    size_t count;

    if (!sjwt_token_claim_strings(token, "aud", &count))
        return listed;
    for (size_t n = 0; n < count; n++) {
        const char *audience = sjwt_token_claim_strings_item(token, "aud", n);
        must(audience != NULL);
        listed = listed || is_listed(audience, audiences);
    }
    must(sjwt_token_claim_strings_item(token, "aud", count) == NULL);
    return listed;
}

static bool is_pattern(const char *issuer)
{
    return issuer != NULL && strpbrk(issuer, "{}") != NULL;
}

/* Is the token's issuer the pattern, with the values of its claims written into it? */
static bool is_filled_in(const sjwt_token *token, const char *pattern)
{
    const char *name = sjwt_token_claim_string(token, "iss");
    char claim[256];

    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '{') {
            if (*pattern == '}' || *name++ != *pattern)
                return false;
            continue;
        }
        size_t len = strcspn(pattern + 1, "}");
        if (len == 0 || len >= sizeof claim || pattern[len + 1] != '}')
            return true; /* longer than this opinion reads */
        memcpy(claim, pattern + 1, len);
        claim[len] = '\0';
        const char *value = sjwt_token_claim_string(token, claim);
        if (value == NULL || strchr(value, '/') != NULL || strncmp(name, value, strlen(value)) != 0)
            return false;
        name += strlen(value);
        pattern += len + 1;
    }
    return *name == '\0';
}

static bool has_value(const sjwt_token *token, const sjwt_claim_rule *rule)
{
    bool boolean;
    size_t count;

    if (rule->any_value || sjwt_token_claim_type(token, rule->name) == SJWT_JSON_ARRAY)
        return sjwt_token_claim_type(token, rule->name) > SJWT_JSON_NULL;
    for (size_t i = 0; i < rule->count; i++) {
        const char *wanted = rule->values[i].string;
        if (wanted == NULL && sjwt_token_claim_boolean(token, rule->name, &boolean) &&
            boolean == rule->values[i].boolean)
            return true;
        if (wanted != NULL && sjwt_token_claim_strings(token, rule->name, &count) && count == 1 &&
            strcmp(sjwt_token_claim_strings_item(token, rule->name, 0), wanted) == 0)
            return true;
    }
    return false;
}

/* A subject that stands alone does not begin with a name that another issuer's subjects have. */
static void check_subject(const trial *t, const sjwt_issuer_policy *issuer, const sjwt_token *token)
{
    const char *subject = sjwt_token_claim_string(token, "sub");
    char quoted[3 * 4096 + 2];

    if (subject == NULL || issuer->subjects == SJWT_SUBJECTS_UNCHECKED ||
        issuer->subjects == SJWT_SUBJECTS_QUALIFIED)
        return;
    for (size_t n = 0; n < t->policy.issuer_count; n++) {
        const char *name = t->issuers[n].issuer;
        if (t->issuers[n].subjects != SJWT_SUBJECTS_QUALIFIED || is_pattern(name) ||
            strlen(name) > 4096)
            continue;
        size_t len = sjwt_quote_issuer(name, strlen(name), quoted);
        quoted[len++] = '|';
        must(strncmp(subject, quoted, len) != 0);
    }
}

static void check_rules(const trial *t, const sjwt_issuer_policy *issuer, const sjwt_token *token)
{
    int64_t expires_at, issued_at;

    check_subject(t, issuer, token);
    for (size_t i = 0; issuer->claims != NULL && i < issuer->claims->count; i++)
        must(has_value(token, &issuer->claims->items[i]));
    if (issuer->max_lifetime == 0)
        return;
    must(sjwt_token_expires_at(token, &expires_at));
    if (sjwt_token_issued_at(token, &issued_at))
        must((double)expires_at - (double)issued_at <= issuer->max_lifetime * 1e6 + 4096);
    must((double)expires_at - (double)t->policy.now <=
         ((double)issuer->max_lifetime + t->policy.leeway) * 1e6 + 4096);
}

/* Is the first time at most leeway seconds after the other one? */
static bool is_within(int64_t time, int64_t other, uint32_t leeway)
{
    return time <= other || (uint64_t)time - (uint64_t)other <= (uint64_t)leeway * 1000000;
}

static void check_times(const trial *t, const sjwt_token *token)
{
    const uint32_t leeway = t->policy.leeway;
    int64_t time;

    if (sjwt_token_expires_at(token, &time))
        must(is_within(t->policy.now, time, leeway));
    else
        must(sjwt_token_claim_type(token, "exp") == SJWT_JSON_ABSENT);
    if (sjwt_token_not_before(token, &time))
        must(is_within(time, t->policy.now, leeway));
    else
        must(sjwt_token_claim_type(token, "nbf") == SJWT_JSON_ABSENT);
    if (!sjwt_token_issued_at(token, &time))
        must(sjwt_token_claim_type(token, "iat") == SJWT_JSON_ABSENT ||
             t->issuers[sjwt_token_issuer_index(token)].session_key);
}

static void check_accepted(const trial *t, const sjwt_token *token)
{
    must(sjwt_token_issuer_index(token) < t->policy.issuer_count);
    const sjwt_issuer_policy *issuer = &t->issuers[sjwt_token_issuer_index(token)];
    const char *name = sjwt_token_claim_string(token, "iss");
    sjwt_algorithm_set algorithm;
    int64_t jti;

    must(issuer->keys != NULL);
    must(issuer->issuer == NULL ||
         (name != NULL && (is_pattern(issuer->issuer) ? is_filled_in(token, issuer->issuer)
                                                      : strcmp(name, issuer->issuer) == 0)));
    name = sjwt_token_algorithm(token);
    must(sjwt_algorithms_parse(name, strlen(name), &algorithm, NULL) == SJWT_OK);
    must((issuer->algorithms & algorithm) != 0);
    must(t->policy.max_token_size == 0 || t->len <= t->policy.max_token_size);
    must(has_listed_type(token, &issuer->types));
    must(has_listed_audience(token, &issuer->audiences));
    for (size_t i = 0; i < issuer->required_claims.count; i++)
        must(sjwt_token_claim_type(token, issuer->required_claims.items[i]) > SJWT_JSON_NULL);
    if (t->policy.last_jti != NULL)
        must(sjwt_token_integer_id(token, &jti) && jti > t->last_jti);
    check_times(t, token);
    check_rules(t, issuer, token);
}

/* The reading of one claim by each type agrees with the type that it has. */
static void check_claim(const sjwt_token *token, const char *name)
{
    const sjwt_json_type type = sjwt_token_claim_type(token, name);
    int64_t integer;
    double number;
    bool boolean;
    size_t len;

    must((sjwt_token_claim_string(token, name) != NULL) == (type == SJWT_JSON_STRING));
    must(sjwt_token_claim_number(token, name, &number) == (type == SJWT_JSON_NUMBER));
    must(!sjwt_token_claim_integer(token, name, &integer) || type == SJWT_JSON_NUMBER);
    must(sjwt_token_claim_boolean(token, name, &boolean) == (type == SJWT_JSON_BOOLEAN));
    const char *json = sjwt_token_claim_json(token, name, &len);
    must((json != NULL) == (type != SJWT_JSON_ABSENT) && (len > 0) == (json != NULL));
    if (sjwt_token_claim_strings(token, name, &len))
        must(type == SJWT_JSON_STRING || type == SJWT_JSON_ARRAY);
    (void)sjwt_token_claim_strings_item(token, name, 1);
}

static void check_claims(const trial *t, const sjwt_token *token)
{
    static const char *const names[] = {"iss", "aud", "exp", "jti", "sub", "x"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_claim(token, names[i]);
    for (size_t n = 0; n < t->policy.issuer_count; n++) {
        for (size_t i = 0; i < t->claims[n].count; i++)
            check_claim(token, t->claims[n].items[i]);
    }
}

/* ---- asking ------------------------------------------------------------- */

static sjwt_status verify(const trial *t, sjwt_error *error)
{
    sjwt_token *token;

    sjwt_status status = sjwt_verify(NULL, t->token, t->len, &t->policy, &token, error);
    must((token != NULL) == (status == SJWT_OK));
    if (token != NULL && error != NULL) {
        check_accepted(t, token);
        check_claims(t, token);
    }
    sjwt_token_free(token);
    return status;
}

static int verify_quietly(const void *context)
{
    return (int)verify(context, NULL);
}

/* What sjwt_verify() accepts for the first issuer, sjwt_jws_verify() accepts as well. */
static void check_jws(const trial *t, sjwt_status status)
{
    sjwt_token *token;

    sjwt_status of_jws = sjwt_jws_verify(NULL, t->token, t->len, &t->policy, &token, NULL);
    must((token != NULL) == (of_jws == SJWT_OK));
    must(of_jws == SJWT_OK || status != SJWT_OK || t->policy.issuer_count > 1);
    if (token != NULL) {
        size_t len;
        const char *payload = sjwt_token_payload(token, &len);
        must(len == strlen(t->payload) && memcmp(payload, t->payload, len) == 0);
        must(sjwt_token_claim_type(token, "iss") == SJWT_JSON_ABSENT);
    }
    sjwt_token_free(token);
}

/* Without the rule that refused it, the token is not refused for the same reason. */
static void check_refused(const trial *t, const sjwt_error *error)
{
    trial laxer = *t;

    must(error->status != SJWT_NO_MEMORY && error->status != SJWT_INTERNAL);
    must(error->status < SJWT_STATUS_COUNT && sjwt_status_text(error->status) != NULL &&
         sjwt_status_name(error->status) != NULL);
    must(memchr(error->detail, '\0', sizeof error->detail) != NULL);
    if (error->status == SJWT_CLAIM_MISSING || error->status == SJWT_CLAIM_REFUSED)
        must(error->claim_index < MAX_ITEMS + SJWT_MAX_CLAIM_RULES);
    for (size_t n = 0; n < t->policy.issuer_count; n++) {
        /* a pattern is trusted with its rules only */
        if (is_pattern(t->issuers[n].issuer))
            return;
    }
    laxer.policy.issuers = laxer.issuers;
    laxer.policy.last_jti = NULL;
    laxer.policy.max_token_size = 0;
    if (error->status == SJWT_EXPIRED)
        laxer.policy.now = INT64_MIN;
    if (error->status == SJWT_NOT_YET_VALID)
        laxer.policy.now = INT64_MAX;
    for (size_t n = 0; n < t->policy.issuer_count; n++) {
        laxer.issuers[n].audiences.count = 0;
        laxer.issuers[n].required_claims.count = 0;
        laxer.issuers[n].types.count = 0;
        laxer.issuers[n].claims = NULL;
        laxer.issuers[n].subjects = SJWT_SUBJECTS_UNCHECKED;
        laxer.issuers[n].max_lifetime = 0;
        laxer.issuers[n].algorithms = sjwt_all_algorithms();
    }
    sjwt_status status = verify(&laxer, NULL);
    switch (error->status) {
    case SJWT_AUDIENCE_MISSING:
    case SJWT_AUDIENCE_REFUSED:
    case SJWT_AUDIENCE_INVALID:
    case SJWT_CLAIM_MISSING:
    case SJWT_CLAIM_REFUSED:
    case SJWT_LIFETIME_REFUSED:
        must(status == SJWT_OK);
        break;
    case SJWT_ALG_NOT_ALLOWED:
    case SJWT_TYPE_REFUSED:
    case SJWT_SUBJECT_REFUSED:
    case SJWT_JTI_INVALID:
    case SJWT_JTI_REPLAYED:
    case SJWT_NOT_YET_VALID:
    case SJWT_EXPIRED:
        must(status != error->status);
        break;
    default:
        break;
    }
}

static void make_keys(void)
{
    static const char secret_text[] = "{" SECRET "}", okp_text[] = "{" OKP "," OKP_D "}";
    const char *name, *backend;

    if (secret != NULL)
        return;
    for (size_t i = 0; i < KEY_TEXT_COUNT; i++) {
        if (key_texts[i] != NULL)
            must(sjwt_keyset_parse(NULL, key_texts[i], strlen(key_texts[i]), &keys[i], NULL) ==
                 SJWT_OK);
    }
    must(sjwt_private_key_parse(NULL, secret_text, strlen(secret_text), &secret, NULL) == SJWT_OK);
    must(sjwt_private_key_parse(NULL, okp_text, strlen(okp_text), &okp, NULL) == SJWT_OK);
    size_t count = 0;
    while (sjwt_algorithm_info(count, &name, &backend))
        must(name != NULL && (backend == NULL || strstr(sjwt_backend_names(), backend) != NULL) &&
             (sjwt_all_algorithms() >> count++ & 1) != 0);
    must(strcmp(sjwt_status_name(SJWT_STATUS_COUNT), "SJWT_UNKNOWN") == 0 &&
         sjwt_status_text(SJWT_STATUS_COUNT) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copied(data, size);
    sjwt_error error;
    trial t;

    make_keys();
    read_trial(text, &t);
    sjwt_jws_header header = {.alg = t.with_okp ? "EdDSA" : "HS256",
                              .exact = t.header,
                              .exact_len = t.header == NULL ? 0 : strlen(t.header)};
    must(sjwt_jws_sign(NULL, t.with_okp ? okp : secret, &header, t.payload, strlen(t.payload),
                       &t.token, &t.len, NULL) == SJWT_OK);
    sjwt_status status = verify(&t, &error);
    if (status != SJWT_OK)
        check_refused(&t, &error);
    check_jws(&t, status);
    fail_each_allocation(verify_quietly, &t, SJWT_NO_MEMORY, hash_of(data, size));
    for (size_t n = 0; n < MAX_ISSUERS; n++)
        sjwt_claim_rules_free(NULL, t.rules[n]);
    free(t.token);
    free(text);
    return 0;
}
