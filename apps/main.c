#include <stddef.h>

#include "apps/cli.h"

/* One file per verb: apps/verb_NAME.c defines ut_verb_NAME. Shown by --help in this order. */
#define VERBS(X)                                                                                                       \
    X(catalogue_add)                                                                                                   \
    X(catalogue_list)                                                                                                  \
    X(catalogue_show)                                                                                                  \
    X(catalogue_remove)                                                                                                \
    X(catalogue_copy)                                                                                                  \
    X(catalogue_stats)                                                                                                 \
    X(catalogue_verify)                                                                                                \
    X(catalogue_rebuild)                                                                                               \
    X(identify)                                                                                                        \
    X(explain)                                                                                                         \
    X(replay)                                                                                                          \
    X(reidentify)                                                                                                      \
    X(unknown_list)                                                                                                    \
    X(unknown_show)                                                                                                    \
    X(unknown_label)                                                                                                   \
    X(run)                                                                                                             \
    X(status)                                                                                                          \
    X(worker)                                                                                                          \
    X(events_tail)                                                                                                     \
    X(events_republish)                                                                                                \
    X(channel_list)                                                                                                    \
    X(channel_test)                                                                                                    \
    X(programmes_import)                                                                                               \
    X(programmes_list)                                                                                                 \
    X(programmes_remove)                                                                                               \
    X(cues_list)                                                                                                       \
    X(cues_approve)                                                                                                    \
    X(cues_reject)                                                                                                     \
    X(cues_edit)                                                                                                       \
    X(cues_restore)                                                                                                    \
    X(cues_history)                                                                                                    \
    X(evidence_export)                                                                                                 \
    X(evidence_verify)                                                                                                 \
    X(rules_add)                                                                                                       \
    X(rules_list)                                                                                                      \
    X(rules_remove)                                                                                                    \
    X(rules_apply)                                                                                                     \
    X(cuesheet_export)                                                                                                 \
    X(cuesheet_validate)                                                                                               \
    X(cuesheet_profiles)                                                                                               \
    X(report_music)                                                                                                    \
    X(separate)                                                                                                        \
    X(audit_run)                                                                                                       \
    X(ratio)                                                                                                           \
    X(evaluate)                                                                                                        \
    X(evaluate_false_alarms)                                                                                           \
    X(evaluate_loudness)                                                                                               \
    X(bench)                                                                                                           \
    X(config_check)                                                                                                    \
    X(config_dump)                                                                                                     \
    X(config_document)                                                                                                 \
    X(doctor)

#define DECLARE(name) extern const ut_verb ut_verb_##name;
VERBS(DECLARE)

#define ENTRY(name) &ut_verb_##name,
static const ut_verb *const verbs[] = {VERBS(ENTRY) NULL};

int main(int argc, char **argv)
{
    return ut_cli_main(argc, argv, verbs);
}
