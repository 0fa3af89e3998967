/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - the lines that pg_session_jwt.audit_log asks for.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "extension/audit.h"
#include "extension/trust.h"

/* ---- text of a log line ------------------------------------------------ */

typedef struct code_points {
    pg_wchar first;
    pg_wchar last;
} code_points;

/* Characters that end a line, change its direction, or are invisible: Unicode's categories Cc, Cf,
 * Zl and Zp, noncharacters, and all of planes 14 to 16. In ascending order. */
static const code_points not_shown[] = {
    {0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x0600, 0x0605},
    {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},
    {0x08E2, 0x08E2},   {0x180E, 0x180E},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},   {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},
    {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF},
};

static bool is_shown(pg_wchar c)
{
    for (size_t i = 0; i < lengthof(not_shown); i++)
        if (c >= not_shown[i].first && c <= not_shown[i].last)
            return false;
    return true;
}

bool pgsj_is_visible(const char *utf8)
{
    const unsigned char *c = (const unsigned char *)utf8;

    while (*c != '\0') {
        const int len =
            pg_encoding_verifymbchar(PG_UTF8, (const char *)c, (int)strnlen((const char *)c, 4));

        if (len < 0 || !is_shown(utf8_to_unicode(c)))
            return false;
        c += len;
    }
    return true;
}

static void append_escape(StringInfo line, pg_wchar c)
{
    if (c > 0xFFFF) {
        appendStringInfo(line, "\\u%04x", 0xD800 + ((c - 0x10000) >> 10));
        c = 0xDC00 + ((c - 0x10000) & 0x3FF);
    }
    appendStringInfo(line, "\\u%04x", c);
}

/*
 * The claim as JSON text that is one visible line. What is not shown is escaped as in JSON, and an
 * octet of unknown meaning as \xNN. The meaning of octets beyond ASCII is known where the database
 * stores UTF-8. Escapes cannot be confused with the claim's own: in JSON text a backslash of a
 * string is doubled.
 */
static const char *visible_claim(const pgsj_jsonb_claims *claims, const char *name)
{
    const unsigned char *c = (const unsigned char *)pgsj_claim_json_cstring(claims, name);
    const bool is_utf8 = GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII;
    StringInfoData line;

    initStringInfo(&line);
    while (*c != '\0') {
        int len = 1;

        if (IS_HIGHBIT_SET(*c)) {
            if (is_utf8)
                len = pg_encoding_verifymbchar(PG_UTF8, (const char *)c,
                                               (int)strnlen((const char *)c, 4));
            if (!is_utf8 || len < 0) {
                appendStringInfo(&line, "\\x%02x", *c);
                c++;
                continue;
            }
        }
        if (is_shown(utf8_to_unicode(c)))
            appendBinaryStringInfo(&line, (const char *)c, len);
        else
            append_escape(&line, utf8_to_unicode(c));
        c += len;
    }
    return line.data;
}

/* ---- lines ------------------------------------------------------------- */

void pgsj_audit_token(const pgsj_jsonb_claims *claims)
{
    ereport(LOG, (errmsg("JWT issued for sub=%s and aud=%s was successfully validated",
                         visible_claim(claims, "sub"), visible_claim(claims, "aud")),
                  errhidestmt(true), errhidecontext(true)));
}

static void audit_claims(const pgsj_jsonb_claims *claims)
{
    ereport(LOG, (errmsg("JWT claims from setting \"request.jwt.claims\": sub=%s and aud=%s",
                         visible_claim(claims, "sub"), visible_claim(claims, "aud")),
                  errhidestmt(true), errhidecontext(true)));
}

static void audit_no_claims(void)
{
    ereport(LOG, (errmsg("no JWT claims found in setting \"request.jwt.claims\""),
                  errhidestmt(true), errhidecontext(true)));
}

void pgsj_audit_read(const pgsj_identity *identity)
{
    switch (identity->key.origin) {
    case PGSJ_ORIGIN_NONE:
        if (pgsj_trust_current_mode() == PGSJ_TRUST_CLAIMS)
            audit_no_claims();
        return;
    case PGSJ_ORIGIN_CLAIMS:
        audit_claims(pgsj_identity_jsonb_claims(identity));
        return;
    case PGSJ_ORIGIN_TOKEN:
    case PGSJ_ORIGIN_LEADER_VERDICT:
        pgsj_audit_token(pgsj_identity_jsonb_claims(identity));
        return;
    }
}
