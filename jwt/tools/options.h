/*
 * options.h - a command's arguments.
 *
 * Long options only, "--name value" or "--name=value"; "--" ends them, and "-"
 * is an operand. Own code rather than getopt_long(), which prints what it does
 * not know: that may be a token.
 */
#ifndef PG_SESSION_JWT_TOOLS_OPTIONS_H
#define PG_SESSION_JWT_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often an option that repeats may be given. */
#define MAX_OPTION_VALUES 64

typedef struct value_list {
    const char *items[MAX_OPTION_VALUES];
    size_t count;
} value_list;

/* One option; exactly one of flag, value, list and commas is not NULL. */
typedef struct option {
    const char *name;     /* without the dashes; NULL ends a table */
    const char *argument; /* what --help calls its value; NULL for a flag */
    const char *help;
    bool *flag;
    const char **value;
    value_list *list;   /* may be given several times */
    value_list *commas; /* likewise, each value being names separated by commas, none empty */
} option;

/* A command's name and what --help says of it. */
typedef struct command {
    const char *name;
    const char *usage; /* what follows the name */
    const char *summary;
    const char *notes; /* whole lines below the options, or NULL */
    /* argc and argv begin behind the command's name. Returns an exit_code. */
    int (*run)(const struct command *self, int argc, char **argv);
} command;

/*
 * Fills the options' destinations, which the caller has cleared, and operand
 * (NULL where there is none; operand itself NULL: the command takes none).
 * Values point into argv, whose strings are cut at commas where asked.
 *
 * False where the command is over with *code: after --help, or after a mistake
 * that was said on standard error.
 */
bool parse_options(const command *self, const option *options, int argc, char **argv,
                   const char **operand, int *code);

/* Reads text, decimal digits with a '-' where min allows it, of min to max. False
 * where it is anything else; said on standard error in the option's name. */
bool parse_number(const char *name, const char *text, int64_t min, int64_t max, int64_t *out);

#endif
