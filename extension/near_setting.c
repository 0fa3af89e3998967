/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near_setting.c - names that are nearly those of a setting.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "extension/near_setting.h"
#include "extension/setting_table.h"

#define PREFIX "pg_session_jwt."

/* As the server's own hints have it: so many changes, and at most half of the letters. */
#define MAX_DISTANCE 4

#define NAME(member, name, ...) name,
static const char *const names[] = {PGSJ_SETTINGS(NAME, NAME, NAME, NAME)};

static bool has_prefix(const char *name)
{
    return pg_strncasecmp(name, PREFIX, strlen(PREFIX)) == 0;
}

const char *pgsj_near_setting(const char *name)
{
    const char *nearest = NULL;
    char *folded;
    int limit;

    if (!has_prefix(name))
        return NULL;
    name += strlen(PREFIX);
    if (strlen(name) >= NAMEDATALEN)
        return NULL;
    folded = asc_tolower(name, strlen(name));
    limit = Min(MAX_DISTANCE, (int)strlen(name) / 2);
    for (size_t i = 0; i < lengthof(names); i++) {
        const char *rest = names[i] + strlen(PREFIX);
        int distance;

        if (!has_prefix(names[i]))
            continue;
        if (strcmp(folded, rest) == 0) {
            pfree(folded);
            return NULL;
        }
        distance = varstr_levenshtein_less_equal(folded, (int)strlen(folded), rest,
                                                 (int)strlen(rest), 1, 1, 1, limit, true);
        if (distance > limit)
            continue;
        nearest = names[i];
        limit = distance - 1;
    }
    pfree(folded);
    return nearest;
}
