/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_checks.h - is a new value of a setting one that can be used?
 *
 * A value that a user sets and that cannot be used raises an ERROR. For one that the
 * configuration file gets while the server runs, the function returns false, and the
 * server logs why. Neither shows the value, which may hold a secret.
 *
 * A value that a connection begins with (from the file, the catalog or the client) is not
 * checked. Were it dropped, nothing would be pinned, and the client's own claims would be
 * believed; with it, trust.c refuses every token.
 */
#ifndef PGSJ_SETTING_CHECKS_H
#define PGSJ_SETTING_CHECKS_H

#include "postgres.h"

#include "utils/guc.h"

/* Octets that request.jwt.claims may have. request_claims.c believes no longer value that a
 * connection begins with. */
#define PGSJ_MAX_CLAIMS_SIZE (1024 * 1024)

/* name: the setting's. extra: as the server hands it over; not used here. */
bool pgsj_check_key_set(const char *name, const char *value, void **extra, GucSource source);
bool pgsj_check_algorithms(const char *name, const char *value, void **extra, GucSource source);
bool pgsj_check_list(const char *name, const char *value, void **extra, GucSource source);
bool pgsj_check_files(const char *name, const char *value, void **extra, GucSource source);
bool pgsj_check_claim_values(const char *name, const char *value, void **extra, GucSource source);
bool pgsj_check_claims(const char *name, const char *value, void **extra, GucSource source);

/* 0, or at least 64 kB. */
bool pgsj_check_cache_size(const char *name, int kilobytes, GucSource source);

/* While paused, every value is taken: the settings are being defined. */
void pgsj_setting_checks_pause(bool paused);

#endif
