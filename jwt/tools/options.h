/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - a command's arguments.
 *
 * Long options only, "--name value" or "--name=value"; "--" ends them, and "-"
 * is an operand. getopt_long() is not used: it prints unknown arguments, and
 * such an argument may be a token.
 */
#ifndef PG_SESSION_JWT_TOOLS_OPTIONS_H
#define PG_SESSION_JWT_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest number of values of an option that may be repeated. */
#define MAX_OPTION_VALUES 64

typedef struct value_list {
    const char *items[MAX_OPTION_VALUES];
    size_t count;
} value_list;

/* One option; exactly one of flag, value, list and commas is not NULL. */
typedef struct option {
    const char *name;     /* without the dashes; NULL ends a table */
    const char *argument; /* the name of its value in --help; NULL for a flag */
    const char *help;
    bool *flag;
    const char **value;
    value_list *list; /* may be repeated */
    value_list *
        commas; /* may be repeated; each value is a list of names separated by commas, none empty */
} option;

/* A command's name and its texts in --help. */
typedef struct command {
    const char *name;
    const char *usage; /* the arguments after the name */
    const char *summary;
    const char *notes; /* whole lines below the options, or NULL */
    /* argc and argv begin after the command's name. Returns an exit_code. */
    int (*run)(const struct command *self, int argc, char **argv);
} command;

/*
 * Fills the options' destinations, which the caller has cleared, and operand
 * (NULL if there is none; operand is NULL if the command takes none).
 * Values point into argv. Strings with commas are split in place.
 *
 * Returns false if the command ends with *code: after --help, or after a mistake, which
 * is printed.
 */
bool parse_options(const command *self, const option *options, int argc, char **argv,
                   const char **operand, int *code);

/* Reads a decimal number from min to max, with a '-' if min allows it. Returns false for
 * any other text, and prints an error that names the option. */
bool parse_number(const char *name, const char *text, int64_t min, int64_t max, int64_t *out);

#endif
