/*
 * sjwt.h - verifies JSON Web Tokens. Includes every public header of the library.
 *
 * The library parses keys (RFC 7517), splits a compact JWS (RFC 7515), verifies
 * its signature, and checks its registered claims (RFC 7519) against a policy.
 * It takes the time as an argument. It reads no environment and no file, logs
 * nothing, and calls back nothing but the allocator.
 *
 * One thread of a process at a time may call the library, whatever the objects:
 * it keeps which crypto libraries are initialized, and these libraries and the
 * JSON parser have state of their own. A program with threads puts a lock of its
 * own around the calls.
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
#include <sjwt/claims.h>
#include <sjwt/decode.h>
#include <sjwt/export.h>
#include <sjwt/issuers.h>
#include <sjwt/keyset.h>
#include <sjwt/limits.h>
#include <sjwt/memory.h>
#include <sjwt/policy.h>
#include <sjwt/status.h>
#include <sjwt/token.h>
#include <sjwt/verify.h>

#endif
