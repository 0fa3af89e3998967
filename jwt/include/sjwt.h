/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt.h - verifies JSON Web Tokens. Includes every public header of the library.
 *
 * The library parses keys (RFC 7517), splits a compact JWS (RFC 7515), verifies
 * its signature, and checks its registered claims (RFC 7519) against a policy.
 * It takes the time as an argument. It reads no environment and no file, logs
 * nothing, and calls back nothing but the allocator.
 *
 * Threads: several threads may call the library at the same time, also with the same
 * keys, issuers and token. No call must come first: a crypto library is initialized
 * when it is first needed. An object is freed when no thread uses it any more, and an
 * allocator that several threads share is safe for them itself.
 *   - Two conditions come from the JSON parser, cJSON. While a thread is in a call, no
 *     other thread calls setlocale() or cJSON_InitHooks(). And cJSON_GetErrorPtr() says
 *     nothing reliable: each parse sets the variable behind it, which this library
 *     never reads, without a lock.
 *   - libsodium verifies in any number of threads at a time. mbedTLS verifies in one: a
 *     mutex guards its key store, so that threads gain nothing for its algorithms.
 *
 * Conventions of every function
 *   - Strings are UTF-8 octets with a length. Inputs are borrowed for the call
 *     and need no terminating NUL.
 *   - A function that can fail returns a sjwt_status. Where it takes an error it
 *     fills it on failure; error may be NULL. On failure *out is NULL.
 *   - The caller owns an output and frees it with the matching ..._free();
 *     ..._free(NULL) does nothing.
 *   - allocator may be NULL: malloc() and free() then. It is copied into the
 *     object, and its context must outlive the object. The JSON parser takes its
 *     memory from malloc(): a token that is not freed leaks it.
 */
#ifndef SJWT_H
#define SJWT_H

#include <sjwt/algorithms.h>
#include <sjwt/claim_rules.h>
#include <sjwt/claims.h>
#include <sjwt/decode.h>
#include <sjwt/export.h>
#include <sjwt/issuers.h>
#include <sjwt/keyset.h>
#include <sjwt/limits.h>
#include <sjwt/logout_token.h>
#include <sjwt/memory.h>
#include <sjwt/policy.h>
#include <sjwt/revocation.h>
#include <sjwt/status.h>
#include <sjwt/token.h>
#include <sjwt/verify.h>

#endif
