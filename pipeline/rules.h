/* Review by rules: each cue that nobody has said anything about is approved or rejected by the first rule in force that
 * fits it. Reversible: a rule that goes can take back what it did. */
#ifndef UT_PIPELINE_RULES_H
#define UT_PIPELINE_RULES_H

#include "db/store.h"

typedef struct {
    size_t approved, rejected;
} ut_rules_result;

/* Airplays that end after since_ns. channel NULL: all. who NULL: whoever added the rule. dry: counts, changes nothing.
 */
UT_CHECK ut_status ut_rules_apply(ut_store *store, const char *channel, int64_t since_ns, const char *who, bool dry,
                                  ut_rules_result *result, ut_err *err);
/* The same for what has just been recognised. A failure is logged: what it left, a later ut_rules_apply does. */
void ut_rules_follow(ut_store *store, const char *channel, int64_t since_ns);
/* Whether the rule fits the airplay. */
bool ut_rule_fits(const ut_rule *rule, const ut_airplay *air);
/* What a rule decided, and nobody has changed since, becomes final again. */
UT_CHECK ut_status ut_rules_revert(ut_store *store, int64_t rule_id, const char *who, size_t *reverted, ut_err *err);

#endif
