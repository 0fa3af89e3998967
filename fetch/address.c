/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A prefix of an address. Octets beyond those given are 0. */
typedef struct block {
    uint8_t octets[16];
    unsigned bits;
} block;

static const block ipv4_special[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private use */
    {{100, 64}, 10},      /* carrier-grade NAT */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local, where clouds serve their metadata */
    {{172, 16}, 12},      /* private use */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relay */
    {{192, 168}, 16},     /* private use */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, and broadcast */
};

/* Of 2000::/3. No other address is public but those that hold an IPv4 address. */
static const block ipv6_special[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments, among them Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static const block ipv6_unicast = {{0x20}, 3};
static const block ipv4_mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
static const block nat64 = {{0, 0x64, 0xff, 0x9b}, 96};

static bool is_in(const uint8_t *octets, const block *prefix)
{
    unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

    if (memcmp(octets, prefix->octets, whole) != 0)
        return false;
    return rest == 0 || ((octets[whole] ^ prefix->octets[whole]) & (0xff00U >> rest) & 0xff) == 0;
}

static bool is_in_any(const uint8_t *octets, const block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_in(octets, &blocks[i]))
            return true;
    }
    return false;
}

static bool is_public_ipv4(const uint8_t *octets)
{
    return !is_in_any(octets, ipv4_special, sizeof(ipv4_special) / sizeof(ipv4_special[0]));
}

static bool is_public_ipv6(const uint8_t *octets)
{
    if (is_in(octets, &ipv4_mapped) || is_in(octets, &nat64))
        return is_public_ipv4(octets + 12);
    return is_in(octets, &ipv6_unicast) &&
           !is_in_any(octets, ipv6_special, sizeof(ipv6_special) / sizeof(ipv6_special[0]));
}

/* Copies the address to octets[16]. Returns its length, 4 or 16, or 0 for other families. */
static size_t copy_octets(const struct sockaddr *address, uint8_t *octets)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    switch (address->sa_family) {
    case AF_INET:
        memcpy(&in, address, sizeof(in));
        memcpy(octets, &in.sin_addr, 4);
        return 4;
    case AF_INET6:
        memcpy(&in6, address, sizeof(in6));
        memcpy(octets, &in6.sin6_addr, 16);
        return 16;
    default:
        return 0;
    }
}

bool sjwt_address_is_public(const struct sockaddr *address)
{
    uint8_t octets[16];

    switch (copy_octets(address, octets)) {
    case 4:
        return is_public_ipv4(octets);
    case 16:
        return is_public_ipv6(octets);
    default:
        return false;
    }
}

bool sjwt_address_is_loopback(const struct sockaddr *address)
{
    static const block ipv6_loopback = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128};
    uint8_t octets[16];

    switch (copy_octets(address, octets)) {
    case 4:
        return octets[0] == 127;
    case 16:
        return is_in(octets, &ipv6_loopback) || (is_in(octets, &ipv4_mapped) && octets[12] == 127);
    default:
        return false;
    }
}
