/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - which network addresses are public.
 */
#ifndef SJWT_FETCH_ADDRESS_H
#define SJWT_FETCH_ADDRESS_H

#include <stdbool.h>

#include <sys/socket.h>

/* Is it a global unicast address? The registries are those of RFC 6890 (IANA IPv4 and IPv6
 * Special-Purpose Address Registries). An IPv4 address within an IPv6 address (RFC 4291
 * section 2.5.5.2, RFC 6052) is judged as such. Of families other than IP none is public. */
bool sjwt_address_is_public(const struct sockaddr *address);

/* Is it of 127.0.0.0/8, or ::1? */
bool sjwt_address_is_loopback(const struct sockaddr *address);

#endif
