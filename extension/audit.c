/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - the lines that pg_session_jwt.audit_log asks for.
 */
#include "postgres.h"

#include "extension/audit.h"
#include "extension/trust.h"

void pgsj_audit_token(const pgsj_jsonb_claims *claims)
{
    ereport(LOG,
            (errmsg("JWT issued for sub=%s and aud=%s was successfully validated",
                    pgsj_claim_json_cstring(claims, "sub"), pgsj_claim_json_cstring(claims, "aud")),
             errhidestmt(true), errhidecontext(true)));
}

static void audit_claims(const pgsj_jsonb_claims *claims)
{
    ereport(LOG,
            (errmsg("JWT claims from setting \"request.jwt.claims\": sub=%s and aud=%s",
                    pgsj_claim_json_cstring(claims, "sub"), pgsj_claim_json_cstring(claims, "aud")),
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
