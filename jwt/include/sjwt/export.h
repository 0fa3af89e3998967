/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/export.h - SJWT_API marks the functions of the public headers, which the
 * shared library exports.
 */
#ifndef SJWT_EXPORT_H
#define SJWT_EXPORT_H

#if defined(SJWT_BUILDING_SHARED)
#define SJWT_API __attribute__((visibility("default")))
#else
#define SJWT_API
#endif

#endif
