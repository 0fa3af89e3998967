/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject.c - the names of the user that a token's subject stands for: user_id and uid.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "extension/subject.h"
#include "extension/compat.h"

/* RFC 9562 section 5.8: the four most significant bits of octet 6 are the version, the two of
 * octet 8 the variant. */
#define VERSION_OCTET 6
#define VARIANT_OCTET 8

static bool is_version_8(const pg_uuid_t *uuid)
{
    return (uuid->data[VERSION_OCTET] & 0xF0) == 0x80 && (uuid->data[VARIANT_OCTET] & 0xC0) == 0x80;
}

static text *qualify(const text *issuer, const text *subject)
{
    const int issuer_len = VARSIZE_ANY_EXHDR(issuer);
    const int subject_len = VARSIZE_ANY_EXHDR(subject);
    char *name = palloc(3 * (Size)issuer_len + 1 + subject_len);
    size_t len = sjwt_quote_issuer(VARDATA_ANY(issuer), issuer_len, name);

    name[len++] = '|';
    memcpy(name + len, VARDATA_ANY(subject), subject_len);
    return cstring_to_text_with_len(name, (int)len + subject_len);
}

/* Appends the octets of value in UTF-8, after their number in eight octets, big-endian. */
static void append_octets(StringInfo to, const text *value)
{
    const char *database_text = text_to_cstring(value);
    const char *utf8 = pg_server_to_any(database_text, (int)strlen(database_text), PG_UTF8);
    const uint64 len = strlen(utf8);

    for (int shift = 56; shift >= 0; shift -= 8)
        appendStringInfoChar(to, (char)(len >> shift));
    appendBinaryStringInfo(to, utf8, (int)len);
}

static bool hash(const StringInfoData *octets, uint8 digest[PG_SHA256_DIGEST_LENGTH])
{
    pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
    bool done;

    if (context == NULL)
        return false;
    done = pg_cryptohash_init(context) >= 0 &&
           pg_cryptohash_update(context, (const uint8 *)octets->data, octets->len) >= 0 &&
           pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) >= 0;
    pg_cryptohash_free(context);
    return done;
}

/* NULL where the server's cryptography failed. */
static pg_uuid_t *make_uuid(const text *issuer, const text *subject)
{
    uint8 digest[PG_SHA256_DIGEST_LENGTH];
    pg_uuid_t *uuid = palloc(sizeof(*uuid));
    StringInfoData octets;

    initStringInfo(&octets);
    append_octets(&octets, issuer);
    append_octets(&octets, subject);
    if (!hash(&octets, digest))
        return NULL;
    memcpy(uuid->data, digest, UUID_LEN);
    uuid->data[VERSION_OCTET] = (uuid->data[VERSION_OCTET] & 0x0F) | 0x80;
    uuid->data[VARIANT_OCTET] = (uuid->data[VARIANT_OCTET] & 0x3F) | 0x80;
    return uuid;
}

static bool name_qualified(pgsj_claims *claims, pgsj_failure *failure)
{
    const text *issuer;
    const text *subject;
    pg_uuid_t *uuid;

    if (claims->user_id.isnull)
        return true;
    /* The issuer was compared with a name. */
    Assert(!claims->issuer.isnull);
    issuer = DatumGetTextPP(claims->issuer.value);
    subject = DatumGetTextPP(claims->user_id.value);
    uuid = make_uuid(issuer, subject);
    if (uuid == NULL) {
        failure->kind = PGSJ_FAILURE_JWT;
        failure->jwt = (sjwt_error){.status = SJWT_INTERNAL};
        return false;
    }
    claims->uid = (NullableDatum){.value = UUIDPGetDatum(uuid)};
    claims->user_id = (NullableDatum){.value = PointerGetDatum(qualify(issuer, subject))};
    return true;
}

bool pgsj_name_subject(pgsj_claims *claims, sjwt_subjects subjects, pgsj_failure *failure)
{
    switch (subjects) {
    case SJWT_SUBJECTS_UNCHECKED:
        return true;
    case SJWT_SUBJECTS_PLAIN:
    case SJWT_SUBJECTS_SHARED:
        if (!claims->uid.isnull && is_version_8(DatumGetUUIDP(claims->uid.value)))
            claims->uid = (NullableDatum){.isnull = true};
        return true;
    case SJWT_SUBJECTS_QUALIFIED:
        return name_qualified(claims, failure);
    }
    pg_unreachable();
}
