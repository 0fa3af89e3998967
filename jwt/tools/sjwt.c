/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt - makes, verifies and shows JSON Web Tokens and their keys.
 */
#include "jwt/tools/commands.h"
#include "jwt/tools/message.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const command *const commands[] = {
    &verify_command, &explain_command, &sign_command,     &keygen_command,
    &public_command, &jwk_command,     &decode_command,   &check_command,
    &keys_command,   &fetch_command,   &backends_command,
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_overview(void)
{
    printf("usage: sjwt COMMAND [ARGUMENT]...\n\ncommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s%s\n", commands[i]->name, commands[i]->summary);
    printf("\n"
           "sjwt COMMAND --help tells more of a command; sjwt --version tells the version.\n"
           "Exit status: 0 valid, 1 refused, 2 usage or an input that cannot be used.\n");
}

static int run(int argc, char **argv)
{
    if (argc < 2)
        return fail("a command is needed; see sjwt --help");
    if (strcmp(argv[1], "--help") == 0) {
        print_overview();
        return EXIT_VALID;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("sjwt %s (%s)\n", SJWT_VERSION, sjwt_backend_names());
        return EXIT_VALID;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(commands[i], argc - 2, argv + 2);
    }
    return fail("unknown command; see sjwt --help");
}

int main(int argc, char **argv)
{
    int code;

    /* A closed pipe is reported as an error and does not end the process. */
    signal(SIGPIPE, SIG_IGN);

    code = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        code = fail("standard output: %s", strerror(errno));
    return code;
}
