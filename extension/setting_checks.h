/*
 * setting_checks.h - is a new value of a setting one that can be used?
 *
 * Each function returns true where it is, or where nobody would be told. A value
 * that a user sets and that cannot be used raises an ERROR; one of the
 * configuration file returns false with the reason for the server's log. Neither
 * shows the value, which may hold a secret.
 *
 * What comes with a connection, from the file or the catalog, is taken as it is:
 * to drop it would leave nothing pinned, and the client's own claims would be
 * believed. trust.c then refuses every token.
 */
#ifndef PGSJ_SETTING_CHECKS_H
#define PGSJ_SETTING_CHECKS_H

#include "postgres.h"

#include "utils/guc.h"

/* name: the setting's. extra: as the server hands it over; not used here. */
bool pgsj_check_key_set(const char *name, const char *value, void **extra, GucSource source);
bool pgsj_check_algorithms(const char *name, const char *value, void **extra, GucSource source);
bool pgsj_check_list(const char *name, const char *value, void **extra, GucSource source);

/* While paused, every value is taken: the settings are being defined. */
void pgsj_setting_checks_pause(bool paused);

#endif
