/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/options.h"

#include "jwt/tools/message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 26

static void print_option(const option *o)
{
    int column = printf("  --%s%s%s", o->name, o->argument != NULL ? " " : "",
                        o->argument != NULL ? o->argument : "");
    const char *line = o->help;

    while (line != NULL) {
        const char *end = strchr(line, '\n');
        int len = (int)(end != NULL ? (size_t)(end - line) : strlen(line));

        if (column >= HELP_COLUMN) {
            putchar('\n');
            column = 0;
        }
        printf("%*s%.*s\n", HELP_COLUMN - column, "", len, line);
        column = 0;
        line = end != NULL ? end + 1 : NULL;
    }
}

static void print_help(const command *self, const option *options)
{
    printf("usage: sjwt %s%s%s\n\n%s\n", self->name, self->usage[0] != '\0' ? " " : "", self->usage,
           self->summary);
    if (options[0].name != NULL)
        printf("\noptions:\n");
    for (const option *o = options; o->name != NULL; o++)
        print_option(o);
    if (self->notes != NULL)
        printf("\n%s", self->notes);
}

static bool complain(const command *self, const char *name, const char *what)
{
    fail("--%s %s; see sjwt %s --help", name, what, self->name);
    return false;
}

static bool append(value_list *list, const char *value)
{
    if (list->count == MAX_OPTION_VALUES)
        return false;
    list->items[list->count++] = value;
    return true;
}

static bool has_empty_name(const char *names)
{
    for (;;) {
        size_t len = strcspn(names, ",");

        if (len == 0)
            return true;
        if (names[len] == '\0')
            return false;
        names += len + 1;
    }
}

static bool append_names(value_list *list, char *names)
{
    for (;;) {
        char *comma = strchr(names, ',');

        if (comma != NULL)
            *comma = '\0';
        if (!append(list, names))
            return false;
        if (comma == NULL)
            return true;
        names = comma + 1;
    }
}

static bool take(const command *self, const option *o, char *value)
{
    if (o->value != NULL) {
        if (*o->value != NULL)
            return complain(self, o->name, "may be given only once");
        *o->value = value;
        return true;
    }
    if (o->list == NULL && has_empty_name(value))
        return complain(self, o->name, "has an empty name");
    if (o->list != NULL ? append(o->list, value) : append_names(o->commas, value))
        return true;
    return complain(self, o->name, "is given too often");
}

static const option *find(const option *options, const char *name, size_t len)
{
    for (const option *o = options; o->name != NULL; o++) {
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    }
    return NULL;
}

static bool complain_of_argument(const command *self, const char *what)
{
    fail("%s; see sjwt %s --help", what, self->name);
    return false;
}

/* argument is "--name" or "--name=value"; next is the argument after it, or NULL. *used
 * is set if next is the option's value. */
static bool parse_one(const command *self, const option *options, char *argument, char *next,
                      bool *used)
{
    char *name = argument + 2;
    size_t len = strcspn(name, "=");
    char *value = name[len] == '=' ? name + len + 1 : NULL;
    const option *o = find(options, name, len);

    if (argument[1] != '-' || o == NULL)
        return complain_of_argument(self, "unknown option");
    if (o->flag != NULL) {
        if (value != NULL)
            return complain(self, o->name, "takes no value");
        *o->flag = true;
        return true;
    }
    if (value == NULL) {
        if (next == NULL)
            return complain(self, o->name, "needs a value");
        value = next;
        *used = true;
    }
    return take(self, o, value);
}

bool parse_options(const command *self, const option *options, int argc, char **argv,
                   const char **operand, int *code)
{
    bool options_ended = false;

    *code = EXIT_UNUSABLE;
    if (operand != NULL)
        *operand = NULL;
    for (int i = 0; i < argc; i++) {
        char *argument = argv[i];
        bool next_used = false;

        if (options_ended || argument[0] != '-' || argument[1] == '\0') {
            if (operand == NULL || *operand != NULL)
                return complain_of_argument(self, "too many arguments");
            *operand = argument;
        } else if (strcmp(argument, "--") == 0) {
            options_ended = true;
        } else if (strcmp(argument, "--help") == 0) {
            print_help(self, options);
            *code = EXIT_VALID;
            return false;
        } else {
            char *next = i + 1 < argc ? argv[i + 1] : NULL;

            if (!parse_one(self, options, argument, next, &next_used))
                return false;
            if (next_used)
                i++;
        }
    }
    return true;
}

bool parse_number(const char *name, const char *text, int64_t min, int64_t max, int64_t *out)
{
    const char *digits = text[0] == '-' && min < 0 ? text + 1 : text;
    intmax_t number;

    errno = 0;
    number = strtoimax(text, NULL, 10);
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0' || errno != 0 ||
        number < min || number > max) {
        fail("--%s needs a whole number from %" PRId64 " to %" PRId64, name, min, max);
        return false;
    }
    *out = number;
    return true;
}
