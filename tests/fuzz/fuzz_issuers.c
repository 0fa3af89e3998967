/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a document of several issuers, over the real backends. */
#include "fuzz.h"

#include <sjwt.h>

static void look_at_list(const sjwt_string_list *list)
{
    must((list->items != NULL) == (list->count > 0));
    for (size_t i = 0; i < list->count; i++)
        must(list->items[i][0] != '\0');
}

static void look_at(const sjwt_issuers *issuers)
{
    size_t count = sjwt_issuers_count(issuers);

    must(count > 0);
    for (size_t n = 0; n < count; n++) {
        const sjwt_issuer *entry = sjwt_issuers_get(issuers, n);
        must(entry->issuer[0] != '\0');
        for (size_t other = 0; other < n; other++)
            must(strcmp(entry->issuer, sjwt_issuers_get(issuers, other)->issuer) != 0);
        must(entry->keys != NULL || entry->keys_file != NULL || entry->keys_files.count > 0 ||
             entry->discovery || entry->keys_url != NULL);
        must(entry->keys == NULL || sjwt_keyset_count(entry->keys) > 0);
        must(entry->keys_file == NULL || entry->keys_file[0] != '\0');
        must((entry->algorithms & ~sjwt_all_algorithms()) == 0);
        look_at_list(&entry->keys_files);
        look_at_list(&entry->audiences);
        look_at_list(&entry->required_claims);
        look_at_list(&entry->types);
    }
}

typedef struct text {
    const char *json;
    size_t len;
} text;

static int parse(const void *context)
{
    const text *given = context;
    sjwt_issuers *issuers;

    sjwt_status status = sjwt_issuers_parse(NULL, given->json, given->len, &issuers, NULL);
    sjwt_issuers_free(issuers);
    return (int)status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sjwt_issuers *issuers;
    sjwt_error error;

    sjwt_status status = sjwt_issuers_parse(NULL, (const char *)data, size, &issuers, &error);
    must((status == SJWT_OK) == (issuers != NULL));
    if (issuers != NULL)
        look_at(issuers);
    else
        must(error.status == status && error.position <= size &&
             memchr(error.detail, '\0', sizeof(error.detail)) != NULL);
    sjwt_issuers_free(issuers);
    fail_each_allocation(parse, &(text){(const char *)data, size}, SJWT_NO_MEMORY,
                         hash_of(data, size));
    return 0;
}
