/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cjson.h - the module's own binding to the cJSON library.
 */
#ifndef PGSJ_CJSON_H
#define PGSJ_CJSON_H

/* Opens the library, so that the cJSON functions can be called. Raises an ERROR if the
 * library is missing, or if another module has taken over a function that cJSON itself uses.
 * Does nothing if cJSON is linked statically. */
void pgsj_cjson_open(void);

#endif
