/*
 * names.c - a function for each name that the extension's module uses. It returns 0, which
 * means success where a crypto library returns it.
 */
#define HOSTILE(name)                                                                              \
    __attribute__((visibility("default"))) long name(void);                                        \
    __attribute__((visibility("default"))) long name(void)                                         \
    {                                                                                              \
        return 0;                                                                                  \
    }
#include "names.h"
