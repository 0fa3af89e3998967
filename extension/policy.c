/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - the digest of a verification policy.
 *
 * What is hashed is a sequence of numbers of eight octets and of strings, each with
 * its length before it and each list with its count or its end: no two different
 * policies give the same octets.
 */
#include "postgres.h"

#include "common/cryptohash.h"

#include "extension/policy.h"

/* Another one where the form of what is hashed changes. */
#define FORMAT "pg_session_jwt policy 3"

typedef struct hash {
    pg_cryptohash_ctx *context;
    bool failed;
} hash;

static void add(hash *to, const void *octets, size_t len)
{
    if (!to->failed && len > 0 && pg_cryptohash_update(to->context, octets, len) < 0)
        to->failed = true;
}

static void add_number(hash *to, uint64 number)
{
    uint8 octets[8];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8)(number >> (56 - 8 * i));
    add(to, octets, sizeof(octets));
}

static void add_octets(hash *to, const void *octets, size_t len)
{
    add_number(to, len);
    add(to, octets, len);
}

/* string may be NULL, which is not "". */
static void add_string(hash *to, const char *string)
{
    add_number(to, string != NULL);
    if (string != NULL)
        add_octets(to, string, strlen(string));
}

static void add_list(hash *to, const sjwt_string_list *list)
{
    add_number(to, list->count);
    for (size_t i = 0; i < list->count; i++)
        add_string(to, list->items[i]);
}

static void add_keys(hash *to, const sjwt_keyset *keys)
{
    sjwt_key_view key;

    for (size_t i = 0; keys != NULL && sjwt_keyset_key(keys, i, &key); i++) {
        add_number(to, true);
        add_string(to, key.kid);
        add_number(to, key.algorithms);
        for (size_t j = 0; j < lengthof(key.octets); j++)
            add_octets(to, key.octets[j].data, key.octets[j].len);
    }
    add_number(to, false);
}

static void add_rules(hash *to, const sjwt_claim_rules *rules)
{
    add_number(to, rules == NULL ? 0 : rules->count);
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        const sjwt_claim_rule *rule = &rules->items[i];

        add_string(to, rule->name);
        add_number(to, rule->any_value);
        add_number(to, rule->count);
        for (size_t j = 0; j < rule->count; j++) {
            add_string(to, rule->values[j].string);
            add_number(to, rule->values[j].boolean);
        }
    }
}

static void add_policy(hash *to, const pgsj_verification_policy *policy)
{
    add_string(to, FORMAT);
    add_number(to, policy->require_increasing_jti);
    add_number(to, policy->issuer_count);
    for (size_t i = 0; i < policy->issuer_count; i++) {
        const sjwt_issuer_policy *issuer = &policy->issuers[i];

        add_number(to, issuer->session_key);
        add_string(to, issuer->issuer);
        add_number(to, issuer->algorithms);
        add_list(to, &issuer->audiences);
        add_list(to, &issuer->types);
        add_list(to, &issuer->required_claims);
        add_rules(to, issuer->claims);
        add_number(to, issuer->max_lifetime);
        /* the leeway is part of the greatest lifetime, which is not compared again */
        if (issuer->max_lifetime != 0)
            add_number(to, policy->leeway);
        add_number(to, issuer->subjects);
        add_keys(to, issuer->keys);
    }
}

bool pgsj_policy_set_digest(pgsj_verification_policy *policy)
{
    hash to = {.context = pg_cryptohash_create(PG_SHA256)};

    if (to.context == NULL)
        return false;
    to.failed = pg_cryptohash_init(to.context) < 0;
    add_policy(&to, policy);
    if (!to.failed &&
        pg_cryptohash_final(to.context, policy->digest.octets, sizeof(policy->digest.octets)) < 0)
        to.failed = true;
    pg_cryptohash_free(to.context);
    return !to.failed;
}

void pgsj_policy_set_version(pgsj_verification_policy *policy, uint64 version)
{
    policy->digest = (pgsj_digest){0};
    memcpy(policy->digest.octets, &version, sizeof(version));
}
