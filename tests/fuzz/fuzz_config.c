/* Any bytes as a configuration file: refused, or dumped and read back. */
#include <stdint.h>
#include <stdlib.h>

#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ut_config *config = NULL, *again = NULL;
    ut_err err = {0};
    if (ut_config_parse((const char *)data, size, "fuzz", &config, &err) != UT_OK)
        return 0;
    char *text = NULL;
    size_t text_size = 0;
    FILE *out = open_memstream(&text, &text_size);
    if (!out || ut_config_dump(config, out, &err) != UT_OK)
        abort();
    fclose(out);
    if (ut_config_parse(text, text_size, "dump", &again, &err) != UT_OK) {
        fprintf(stderr, "%s\n%s\n", err.text, text);
        abort();
    }
    free(text);
    ut_config_close(&again);
    ut_config_close(&config);
    return 0;
}
