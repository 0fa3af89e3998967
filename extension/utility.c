/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utility.c - a hook around each utility statement.
 *
 * The server asks a setting's check hook before it takes a new value, but not before it goes back
 * to an earlier one. These statements are refused here.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "extension/seal.h"
#include "extension/settings.h"
#include "extension/utility.h"

static ProcessUtility_hook_type next_process_utility;

static bool is_token(const char *setting)
{
    return setting != NULL && pg_strcasecmp(setting, pgsj_setting_names.jwt) == 0;
}

static bool resets_token(const Node *statement)
{
    const VariableSetStmt *set = (const VariableSetStmt *)statement;

    if (IsA(statement, DiscardStmt))
        return ((const DiscardStmt *)statement)->target == DISCARD_ALL;
    if (!IsA(statement, VariableSetStmt))
        return false;
    return set->kind == VAR_RESET_ALL ||
           ((set->kind == VAR_RESET || set->kind == VAR_SET_DEFAULT) && is_token(set->name));
}

static void process_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
                            ProcessUtilityContext context, ParamListInfo parameters,
                            QueryEnvironment *environment, DestReceiver *receiver,
                            QueryCompletion *completion)
{
    /* Those end a transaction, and the seal with it. */
    const bool is_transaction_statement = IsA(statement->utilityStmt, TransactionStmt);

    if (pgsj_seal_is_on() && resets_token(statement->utilityStmt))
        pgsj_seal_refuse_change();
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
