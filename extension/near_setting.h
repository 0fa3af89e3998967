/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near_setting.h - names that are nearly those of a setting.
 */
#ifndef PGSJ_NEAR_SETTING_H
#define PGSJ_NEAR_SETTING_H

/* The setting whose name is nearest to name, if it has our prefix, is not a setting itself, and
 * differs from one by at most four letters; else NULL. */
const char *pgsj_near_setting(const char *name);

#endif
