/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utility.c - a hook around each utility statement.
 *
 * The server asks a setting's check hook before it takes a new value, but not before it goes back
 * to an earlier one. These statements are refused here.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "extension/login_expiry.h"
#include "extension/seal.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/utility.h"

static ProcessUtility_hook_type next_process_utility;

static bool resets_token(const Node *statement)
{
    const VariableSetStmt *set = (const VariableSetStmt *)statement;

    if (IsA(statement, DiscardStmt))
        return ((const DiscardStmt *)statement)->target == DISCARD_ALL;
    if (!IsA(statement, VariableSetStmt))
        return false;
    return set->kind == VAR_RESET_ALL ||
           ((set->kind == VAR_RESET || set->kind == VAR_SET_DEFAULT) &&
            pg_strcasecmp(set->name, pgsj_setting_names.jwt) == 0);
}

/* The SET of a statement that stores a setting for a role, a database or the server. */
static const VariableSetStmt *stored_set(const Node *statement)
{
    switch (nodeTag(statement)) {
    case T_AlterRoleSetStmt:
        return ((const AlterRoleSetStmt *)statement)->setstmt;
    case T_AlterDatabaseSetStmt:
        return ((const AlterDatabaseSetStmt *)statement)->setstmt;
    case T_AlterSystemStmt:
        return ((const AlterSystemStmt *)statement)->setstmt;
    default:
        return NULL;
    }
}

/* Sessions would ignore it. The check hook cannot tell this from the SET clause of a function. */
static void refuse_stored_identity(const Node *statement)
{
    const VariableSetStmt *set = stored_set(statement);

    if (set == NULL || (set->kind != VAR_SET_VALUE && set->kind != VAR_SET_CURRENT) ||
        !pgsj_setting_is_identity(set->name))
        return;
    ereport(ERROR, (errcode(ERRCODE_CANT_CHANGE_RUNTIME_PARAM),
                    errmsg("parameter \"%s\" cannot be stored", set->name),
                    errdetail("A value of a role, a database or the configuration file is no "
                              "identity."),
                    errhidestmt(true), errhidecontext(true)));
}

/* The server checks RESET of one of these settings, but not RESET ALL. */
static void refuse_reset_all_as_definer(const Node *statement)
{
    const char *name = NULL;

    if (!IsA(statement, VariableSetStmt) ||
        ((const VariableSetStmt *)statement)->kind != VAR_RESET_ALL ||
        !(InLocalUserIdChange() || InSecurityRestrictedOperation()))
        return;
    if (pgsj_session_token_text() != NULL)
        name = pgsj_setting_names.jwt;
    else if (pgsj_settings.claims != NULL && pgsj_settings.claims[0] != '\0')
        name = pgsj_setting_names.claims;
    else
        return;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("cannot reset parameter \"%s\" within security-definer function", name),
                    errhint("RESET ALL would change the identity of the session.")));
}

static void process_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
                            ProcessUtilityContext context, ParamListInfo parameters,
                            QueryEnvironment *environment, DestReceiver *receiver,
                            QueryCompletion *completion)
{
    /* Those end a transaction, and the seal with it. */
    const bool is_transaction_statement = IsA(statement->utilityStmt, TransactionStmt);

    pgsj_login_expiry_check();
    if (resets_token(statement->utilityStmt))
        pgsj_seal_refuse_reset();
    refuse_stored_identity(statement->utilityStmt);
    refuse_reset_all_as_definer(statement->utilityStmt);
    if (next_process_utility != NULL)
        next_process_utility(statement, query, read_only_tree, context, parameters, environment,
                             receiver, completion);
    else
        standard_ProcessUtility(statement, query, read_only_tree, context, parameters, environment,
                                receiver, completion);
    if (!is_transaction_statement)
        pgsj_seal_raise_attack();
}

void pgsj_utility_install(void)
{
    next_process_utility = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
}
