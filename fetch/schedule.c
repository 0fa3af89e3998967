/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.c - when to fetch again.
 */
#include "fetch/fetch.h"

#include <string.h>
#include <strings.h>

#define LEAST_AGE 60
#define GREATEST_AGE 86400
#define DEFAULT_AGE 300

#define FIRST_DELAY_MS 1000
#define GREATEST_DELAY_MS 300000

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Returns the end of the directive: its comma outside of quotes, or the NUL. */
static const char *directive_end(const char *text)
{
    bool quoted = false;

    for (; *text != '\0' && (quoted || *text != ','); text++) {
        if (quoted && *text == '\\' && text[1] != '\0')
            text++;
        else if (*text == '"')
            quoted = !quoted;
    }
    return text;
}

static bool is_named(const char *directive, const char *name)
{
    size_t len = strlen(name);

    return strncasecmp(directive, name, len) == 0 && strchr(" \t=,", directive[len]) != NULL;
}

/* The number after the name of max-age; false if there is none. */
static bool read_seconds(const char *directive, uint32_t *out)
{
    const char *digits = skip_blanks(directive + strlen("max-age"));
    uint32_t seconds = 0;

    if (*digits != '=')
        return false;
    digits = skip_blanks(digits + 1);
    if (*digits == '"')
        digits++;
    if (*digits < '0' || *digits > '9')
        return false;
    for (; *digits >= '0' && *digits <= '9' && seconds <= GREATEST_AGE; digits++)
        seconds = seconds * 10 + (uint32_t)(*digits - '0');
    *out = seconds;
    return true;
}

uint32_t sjwt_fetch_max_age(const char *cache_control)
{
    uint32_t age = DEFAULT_AGE;

    for (const char *at = skip_blanks(cache_control); *at != '\0'; at = skip_blanks(at)) {
        if (is_named(at, "no-store") || is_named(at, "no-cache"))
            return LEAST_AGE;
        if (is_named(at, "max-age"))
            (void)read_seconds(at, &age);
        at = directive_end(at);
        if (*at == ',')
            at++;
    }
    if (age < LEAST_AGE)
        return LEAST_AGE;
    return age > GREATEST_AGE ? GREATEST_AGE : age;
}

uint32_t sjwt_fetch_retry_ms(unsigned failures, uint32_t random)
{
    uint32_t delay = FIRST_DELAY_MS;

    if (failures <= 1)
        return 0;
    for (unsigned i = 2; i < failures && delay < GREATEST_DELAY_MS; i++)
        delay *= 2;
    if (delay > GREATEST_DELAY_MS)
        delay = GREATEST_DELAY_MS;
    return delay - random % (delay / 2 + 1);
}
