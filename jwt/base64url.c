/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* An alphabet character's value with the highest bit set; all other octets are 0. */
static const uint8_t values[256] = {
    ['A'] = 0x80, ['B'] = 0x81, ['C'] = 0x82, ['D'] = 0x83, ['E'] = 0x84, ['F'] = 0x85,
    ['G'] = 0x86, ['H'] = 0x87, ['I'] = 0x88, ['J'] = 0x89, ['K'] = 0x8A, ['L'] = 0x8B,
    ['M'] = 0x8C, ['N'] = 0x8D, ['O'] = 0x8E, ['P'] = 0x8F, ['Q'] = 0x90, ['R'] = 0x91,
    ['S'] = 0x92, ['T'] = 0x93, ['U'] = 0x94, ['V'] = 0x95, ['W'] = 0x96, ['X'] = 0x97,
    ['Y'] = 0x98, ['Z'] = 0x99, ['a'] = 0x9A, ['b'] = 0x9B, ['c'] = 0x9C, ['d'] = 0x9D,
    ['e'] = 0x9E, ['f'] = 0x9F, ['g'] = 0xA0, ['h'] = 0xA1, ['i'] = 0xA2, ['j'] = 0xA3,
    ['k'] = 0xA4, ['l'] = 0xA5, ['m'] = 0xA6, ['n'] = 0xA7, ['o'] = 0xA8, ['p'] = 0xA9,
    ['q'] = 0xAA, ['r'] = 0xAB, ['s'] = 0xAC, ['t'] = 0xAD, ['u'] = 0xAE, ['v'] = 0xAF,
    ['w'] = 0xB0, ['x'] = 0xB1, ['y'] = 0xB2, ['z'] = 0xB3, ['0'] = 0xB4, ['1'] = 0xB5,
    ['2'] = 0xB6, ['3'] = 0xB7, ['4'] = 0xB8, ['5'] = 0xB9, ['6'] = 0xBA, ['7'] = 0xBB,
    ['8'] = 0xBC, ['9'] = 0xBD, ['-'] = 0xBE, ['_'] = 0xBF,
};

#define IN_ALPHABET UINT32_C(0x80)
/* Four characters' highest bits, where join() puts them. */
#define FOUR_BITS (IN_ALPHABET << 18 ^ IN_ALPHABET << 12 ^ IN_ALPHABET << 6 ^ IN_ALPHABET)

static uint32_t value_of(char c)
{
    return values[(unsigned char)c];
}

/* The 24 bits of four characters; without any highest bit, since exclusive or undoes it. */
static uint32_t join(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return a << 18 ^ b << 12 ^ c << 6 ^ d ^ FOUR_BITS;
}

size_t sjwt_base64url_span(const char *text, size_t len)
{
    size_t span = 0;

    while (span < len && value_of(text[span]) != 0)
        span++;
    return span;
}

static bool fail(const char *text, size_t len, size_t wrong, size_t *position)
{
    if (position == NULL)
        return false;
    size_t span = sjwt_base64url_span(text, len);
    *position = span < len ? span : wrong;
    return false;
}

bool sjwt_base64url_decode(const char *text, size_t len, uint8_t *out, size_t *position)
{
    size_t whole = len / 4 * 4;

    for (size_t i = 0; i < whole; i += 4) {
        uint32_t a = value_of(text[i]), b = value_of(text[i + 1]);
        uint32_t c = value_of(text[i + 2]), d = value_of(text[i + 3]);
        if ((a & b & c & d) < IN_ALPHABET)
            return fail(text, len, len, position);
        uint32_t bits = join(a, b, c, d);
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }

    if (len == whole)
        return true;
    if (len - whole == 1)
        return fail(text, len, len, position);
    uint32_t a = value_of(text[whole]), b = value_of(text[whole + 1]);
    uint32_t c = len - whole == 3 ? value_of(text[whole + 2]) : IN_ALPHABET;
    if ((a & b & c) < IN_ALPHABET)
        return fail(text, len, len, position);
    uint32_t bits = join(a, b, c, IN_ALPHABET);
    uint32_t beyond = len - whole == 3 ? 0xFF : 0xFFFF;
    if ((bits & beyond) != 0)
        return fail(text, len, len - 1, position);
    *out++ = (uint8_t)(bits >> 16);
    if (len - whole == 3)
        *out = (uint8_t)(bits >> 8);
    return true;
}

void sjwt_base64url_encode(const uint8_t *octets, size_t len, char *out)
{
    size_t i = 0;

    for (; len - i >= 3; i += 3) {
        uint32_t bits = (uint32_t)octets[i] << 16 | (uint32_t)octets[i + 1] << 8 | octets[i + 2];
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = alphabet[bits >> 6 & 63];
        *out++ = alphabet[bits & 63];
    }
    if (len - i == 2) {
        uint32_t bits = (uint32_t)octets[i] << 16 | (uint32_t)octets[i + 1] << 8;
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out = alphabet[bits >> 6 & 63];
    } else if (len - i == 1) {
        uint32_t bits = (uint32_t)octets[i] << 16;
        *out++ = alphabet[bits >> 18];
        *out = alphabet[bits >> 12 & 63];
    }
}
