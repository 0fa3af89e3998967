/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/fetch.h"

#include "jwt/tools/message.h"
#include "jwt/tools/print.h"

#include "fetch/fetch.h"
#include "fetch/store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 200

/* What is known from one fetch to the next. */
typedef struct fetch_state {
    sjwt_fetch_validators validators;
    unsigned failures;                                          /* in a row */
    char problem[sizeof(((sjwt_fetch_result *)NULL)->problem)]; /* printed last */
} fetch_state;

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static bool read_allowed(const fetch_arguments *given, sjwt_fetch_options *out)
{
    *out = (sjwt_fetch_options){.ca_file = given->ca_file};
    for (size_t i = 0; i < given->allow.count; i++) {
        if (!sjwt_fetch_options_allow(out, given->allow.items[i], strlen(given->allow.items[i]))) {
            fail("--allow: number %zu is not one of private, http, redirects and proxy", i + 1);
            return false;
        }
    }
    return true;
}

/* Stores what was fetched. Returns an exit_code. */
static int store(const fetch_arguments *given, fetch_state *state, const sjwt_fetch_result *result)
{
    bool stored = result->not_modified ? sjwt_store_touch(given->out)
                                       : sjwt_store_file(given->out, result->text, result->len);

    if (!stored) {
        /* Next time all of it is needed. */
        state->validators.url[0] = '\0';
        return fail("--out: %s", strerror(errno));
    }
    if (!result->not_modified) {
        printf("%zu usable, %zu skipped\n", sjwt_keyset_count(result->keys),
               sjwt_keyset_skipped_count(result->keys));
        print_skipped("  ", result->keys);
    }
    fflush(stdout);
    state->validators = result->validators;
    return EXIT_VALID;
}

static int report_failure(fetch_state *state, const sjwt_fetch_result *result)
{
    if (strcmp(state->problem, result->problem) != 0)
        fail("not fetched: %s", result->problem);
    snprintf(state->problem, sizeof(state->problem), "%s", result->problem);
    return result->status == SJWT_FETCH_NO_MEMORY ? EXIT_UNUSABLE : EXIT_REFUSED;
}

static int fetch_once(sjwt_fetcher *fetcher, const fetch_arguments *given, fetch_state *state)
{
    sjwt_fetch *fetch = sjwt_fetch_begin(fetcher, given->issuer, given->url, &state->validators);
    const sjwt_fetch_result *result;
    int code;

    if (fetch == NULL)
        return fail("out of memory");
    while (sjwt_fetcher_run(fetcher, WAIT_MS) > 0 && !stopped)
        continue;
    result = sjwt_fetch_result_get(fetch);
    if (result == NULL)
        code = EXIT_VALID;
    else if (result->status == SJWT_FETCH_OK) {
        code = store(given, state, result);
        state->problem[0] = '\0';
    } else
        code = report_failure(state, result);
    sjwt_fetch_end(fetch);
    return code;
}

/* In steps, so that a signal between a check and a pause ends it soon. */
static void sleep_ms(uint64_t ms)
{
    while (ms > 0 && !stopped) {
        uint64_t step = ms < WAIT_MS ? ms : WAIT_MS;
        struct timespec pause = {.tv_nsec = (long)step * 1000000};

        (void)nanosleep(&pause, NULL);
        ms -= step;
    }
}

/* Enough of a difference between two programs that began to fail together. */
static uint32_t jitter(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_nsec;
}

/* Until a signal; a failure is tried again sooner. */
static int fetch_again_and_again(sjwt_fetcher *fetcher, const fetch_arguments *given)
{
    fetch_state state = {.failures = 0};
    const struct sigaction action = {.sa_handler = stop};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    while (!stopped) {
        uint64_t pause = (uint64_t)given->interval_s * 1000;

        if (fetch_once(fetcher, given, &state) == EXIT_VALID)
            state.failures = 0;
        else {
            uint32_t retry = sjwt_fetch_retry_ms(++state.failures, jitter());

            if (retry < pause)
                pause = retry;
        }
        sleep_ms(pause);
    }
    return EXIT_VALID;
}

int run_fetch(const fetch_arguments *given)
{
    sjwt_fetch_options allowed;
    fetch_state state = {.failures = 0};
    sjwt_fetcher *fetcher;
    int code;

    if (!read_allowed(given, &allowed))
        return EXIT_UNUSABLE;
    fetcher = sjwt_fetcher_create(&allowed);
    if (fetcher == NULL)
        return fail("out of memory");
    if (given->interval_s > 0)
        code = fetch_again_and_again(fetcher, given);
    else
        code = fetch_once(fetcher, given, &state);
    sjwt_fetcher_free(fetcher);
    return code;
}
