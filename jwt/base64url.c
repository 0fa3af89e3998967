#include "jwt/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* An alphabet character's value plus one, so that every octet not listed is 0. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

/* The value; above 63 (wrapped below 0) for what is not in the alphabet. */
static uint32_t value_of(char c)
{
    return values[(unsigned char)c] - UINT32_C(1);
}

size_t sjwt_base64url_span(const char *text, size_t len)
{
    size_t span = 0;

    while (span < len && value_of(text[span]) <= 63)
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
        if ((a | b | c | d) > 63)
            return fail(text, len, len, position);
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }

    if (len == whole)
        return true;
    if (len - whole == 1)
        return fail(text, len, len, position);
    uint32_t a = value_of(text[whole]), b = value_of(text[whole + 1]);
    uint32_t c = len - whole == 3 ? value_of(text[whole + 2]) : 0;
    if ((a | b | c) > 63)
        return fail(text, len, len, position);
    uint32_t bits = a << 18 | b << 12 | c << 6;
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
