#include "pipeline/sink.h"

#include <stdio.h>
#include <string.h>

static const ut_sink_ops *const built_in[] = {&ut_sink_jsonl, &ut_sink_kafka, NULL};

ut_status ut_sink_find(const ut_sink_ops *const *registry, const char *spec, const ut_sink_ops **ops,
                       const char **target, ut_err *err)
{
    char known[128] = "";
    for (const ut_sink_ops *const *family = registry ? registry : built_in; *family; family++) {
        size_t length = strlen((*family)->scheme);
        if (strncmp(spec, (*family)->scheme, length) == 0 && spec[length] == ':' &&
            (spec[length + 1] || (*family)->bare)) {
            *ops = *family;
            *target = spec + length + 1;
            return UT_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s:TARGET", used ? ", " : "", (*family)->scheme);
    }
    return ut_fail(err, UT_E_ARG, "sink: %s: allowed: %s", spec, known);
}
