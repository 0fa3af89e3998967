/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.c - the command line of sjwt fetch.
 */
#include "jwt/tools/fetch.h"

#include "jwt/tools/commands.h"
#include "jwt/tools/message.h"

#include <errno.h>
#include <stdlib.h>

#define GREATEST_INTERVAL_S 86400

/* Reads "90", "90s", "5m" or "1h" as seconds. */
static bool parse_interval(const char *text, uint32_t *out)
{
    char *end;
    unsigned long number;
    unsigned long unit = 1;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && errno == 0 && number <= GREATEST_INTERVAL_S) {
        if (*end == 'h')
            unit = 3600;
        else if (*end == 'm')
            unit = 60;
        if (*end == 's' || unit > 1)
            end++;
        if (*end == '\0' && number > 0 && number * unit <= GREATEST_INTERVAL_S) {
            *out = (uint32_t)(number * unit);
            return true;
        }
    }
    fail("--every needs a time from 1s to 24h, such as 90s, 5m or 1h");
    return false;
}

static int fetch_keys(const command *self, int argc, char **argv)
{
    fetch_arguments given = {0};
    const char *every = NULL;
    const option options[] = {
        {.name = "issuer",
         .argument = "URL",
         .value = &given.issuer,
         .help = "the issuer, whose metadata tell where its keys are"},
        {.name = "url", .argument = "URL", .value = &given.url, .help = "the JWK Set itself"},
        {.name = "out",
         .argument = "FILE",
         .value = &given.out,
         .help = "where the keys go; replaced as a whole, with mode 0600"},
        {.name = "every",
         .argument = "TIME",
         .value = &every,
         .help = "fetch again after that time, without end (90s, 5m, 1h)"},
        {.name = "ca-file",
         .argument = "FILE",
         .value = &given.ca_file,
         .help = "PEM certificates to trust instead of the system's"},
        {.name = "allow",
         .argument = "LIST",
         .commas = &given.allow,
         .help = "private: addresses that are not public; http: http\nto loopback addresses; "
                 "redirects: within the origin;\nproxy: curl's variables, such as https_proxy"},
        {.name = NULL},
    };
    int code;

    if (!parse_options(self, options, argc, argv, NULL, &code))
        return code;
    if ((given.issuer == NULL) == (given.url == NULL))
        return fail("one of --issuer and --url is needed; see sjwt %s --help", self->name);
    if (given.out == NULL)
        return fail("--out is needed; see sjwt %s --help", self->name);
    if (every != NULL && !parse_interval(every, &given.interval_s))
        return EXIT_UNUSABLE;
    return run_fetch(&given);
}

const command fetch_command = {
    .name = "fetch",
    .usage = "(--issuer URL | --url URL) --out FILE [--every TIME]",
    .summary = "fetch the keys of an issuer over HTTPS into a file",
    .notes = "Exit status: 0 fetched, or unchanged; 1 not fetched, and FILE is as it was (the\n"
             "reason on standard error); 2 usage, or FILE cannot be written. With --every, 0\n"
             "after SIGINT or SIGTERM.\n",
    .run = fetch_keys,
};
