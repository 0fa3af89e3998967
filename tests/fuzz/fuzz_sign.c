/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a private key. What it signs must verify with its public half, and what is printed
 * of it must be read again as the same key.
 *
 * The first line of the input is the JWK, the second one an algorithm or empty, the third one
 * a header or empty, and the rest the payload.
 */
#include "fuzz.h"

#include "jwt/sign.h"
#include <sjwt.h>

typedef struct trial {
    char *lines[4];
    sjwt_private_key *key;
} trial;

static void read_trial(char *text, trial *t)
{
    for (int i = 0; i < 4; i++) {
        t->lines[i] = text;
        if (i == 3)
            break;
        text += strcspn(text, "\n");
        if (*text != '\0')
            *text++ = '\0';
    }
}

static sjwt_status sign(const trial *t, char **token, size_t *len)
{
    const sjwt_jws_header header = {.alg = t->lines[1][0] == '\0' ? NULL : t->lines[1],
                                    .kid = t->lines[2][0] == '@' ? t->lines[2] + 1 : NULL,
                                    .typ = t->lines[2][0] == '@' ? t->lines[2] + 1 : NULL,
                                    .exact = strchr("@", t->lines[2][0]) ? NULL : t->lines[2],
                                    .exact_len = strlen(t->lines[2])};
    const char *payload = t->lines[3];
    sjwt_error error;

    sjwt_status status =
        sjwt_sign(NULL, t->key, &header, payload, strlen(payload), token, len, &error);
    if (status == SJWT_PAYLOAD_JSON)
        status = sjwt_jws_sign(NULL, t->key, &header, payload, strlen(payload), token, len, &error);
    must((status == SJWT_OK) == (*token != NULL) && (status == SJWT_OK || status == error.status));
    must(status != SJWT_NO_MEMORY && status != SJWT_INTERNAL);
    return status;
}

/* Does the token, signed with the key, verify with the text that was printed of it? */
static void check_signed(const trial *t, const char *token, size_t len, const char *json,
                         size_t json_len)
{
    sjwt_issuer_policy issuer = {.algorithms = sjwt_all_algorithms()};
    const sjwt_policy policy = {.issuers = &issuer, .issuer_count = 1};
    sjwt_keyset *keys;
    sjwt_token *verified;

    must(sjwt_keyset_parse(NULL, json, json_len, &keys, NULL) == SJWT_OK);
    issuer.keys = keys;
    /* A header that is given as it is may name another key or algorithm. */
    const bool is_ours = strchr("@", t->lines[2][0]) != NULL;
    /* "kid" of the header wins over the key's, and then names no key. */
    issuer.session_key = true;
    sjwt_status status = sjwt_jws_verify(NULL, token, len, &policy, &verified, NULL);
    must(!is_ours || status == SJWT_OK || len > SJWT_MAX_TOKEN_SIZE);
    must(status != SJWT_NO_MEMORY && status != SJWT_INTERNAL);
    if (is_ours && status == SJWT_OK) {
        sjwt_token_free(verified);
        /* The last octet of the message. */
        char *changed = copied(token, len);
        char *dot = strrchr(changed, '.');
        dot[-1] = dot[-1] == 'A' ? 'Q' : 'A';
        must(sjwt_jws_verify(NULL, changed, len, &policy, &verified, NULL) != SJWT_OK);
        free(changed);
    } else {
        sjwt_token_free(verified);
    }
    sjwt_keyset_free(keys);
}

static void check_printed(const trial *t, const char *json, size_t len)
{
    sjwt_private_key *again;
    char *other;
    size_t other_len;

    must(strlen(json) == len);
    must(sjwt_private_key_parse(NULL, json, len, &again, NULL) == SJWT_OK);
    must(sjwt_private_key_print(again, &other, &other_len, NULL) == SJWT_OK);
    must(other_len == len && memcmp(other, json, len) == 0);
    must(sjwt_private_key_algorithm(again) == sjwt_private_key_algorithm(t->key));
    sjwt_secret_text_free(again, other, other_len);
    sjwt_private_key_free(again);
}

static sjwt_key_view only_key(const sjwt_keyset *keys)
{
    sjwt_key_view view = {0};

    must(sjwt_keyset_key(keys, 0, &view) && sjwt_keyset_count(keys) == 1);
    return view;
}

/* The public text has the public members of the private one: its halves belong together. */
static void check_halves(const char *json, size_t len, const char *public_json, size_t public_len)
{
    sjwt_keyset *keys, *public_keys;

    if (sjwt_keyset_parse(NULL, json, len, &keys, NULL) != SJWT_OK)
        return;
    must(sjwt_keyset_parse(NULL, public_json, public_len, &public_keys, NULL) == SJWT_OK);
    const sjwt_key_view one = only_key(keys), other = only_key(public_keys);
    for (int i = 0; i < 2; i++)
        must(one.octets[i].len == other.octets[i].len &&
             (one.octets[i].len == 0 ||
              memcmp(one.octets[i].data, other.octets[i].data, one.octets[i].len) == 0));
    sjwt_keyset_free(keys);
    sjwt_keyset_free(public_keys);
}

static void use(const trial *t)
{
    char *json, *public_json, *token;
    size_t len, public_len, token_len;

    must(sjwt_private_key_algorithm(t->key) != NULL);
    must(sjwt_private_key_print(t->key, &json, &len, NULL) == SJWT_OK);
    check_printed(t, json, len);
    sjwt_status status = sjwt_private_key_print_public(t->key, &public_json, &public_len, NULL);
    must(status != SJWT_NO_MEMORY && status != SJWT_INTERNAL);
    if (status == SJWT_OK)
        check_halves(json, len, public_json, public_len);
    if (sign(t, &token, &token_len) == SJWT_OK) {
        must(status == SJWT_OK || status == SJWT_JWK_SYMMETRIC);
        if (status == SJWT_OK)
            check_signed(t, token, token_len, public_json, public_len);
        else
            check_signed(t, token, token_len, json, len);
        free(token);
    }
    sjwt_secret_text_free(t->key, public_json, public_len);
    sjwt_secret_text_free(t->key, json, len);
}

static int parse_and_print(const void *context)
{
    const trial *t = context;
    sjwt_private_key *key;
    char *json = NULL;
    size_t len;

    sjwt_status status = sjwt_private_key_parse(NULL, t->lines[0], strlen(t->lines[0]), &key, NULL);
    if (status == SJWT_OK)
        status = sjwt_private_key_print(key, &json, &len, NULL);
    if (json != NULL)
        sjwt_secret_text_free(key, json, len);
    sjwt_private_key_free(key);
    return (int)status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copied(data, size);
    trial t = {.key = NULL};
    sjwt_error error;

    read_trial(text, &t);
    sjwt_status status =
        sjwt_private_key_parse(NULL, t.lines[0], strlen(t.lines[0]), &t.key, &error);
    must((status == SJWT_OK) == (t.key != NULL));
    if (t.key != NULL)
        use(&t);
    else
        must(error.status == status && error.position <= size);
    sjwt_private_key_free(t.key);
    fail_each_allocation(parse_and_print, &t, SJWT_NO_MEMORY, hash_of(data, size));
    free(text);
    return 0;
}
