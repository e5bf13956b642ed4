/* Tables of keys that parse, check, dump and document YAML: the configuration's, for core/config*.c only, and the means
 * for other files of one flat mapping. */
#ifndef UT_CORE_CONFIG_KEY_H
#define UT_CORE_CONFIG_KEY_H

#include "core/config.h"

typedef enum { UT_KEY_TEXT, UT_KEY_INT, UT_KEY_REAL, UT_KEY_BOOL, UT_KEY_CHOICE, UT_KEY_LIST } ut_key_type;

typedef struct {
    const char *section; /* "" at the top; "channels" for the keys of one channel */
    const char *name;
    ut_key_type type;
    size_t offset;                    /* in ut_config, or in ut_channel_config */
    size_t count_offset;              /* UT_KEY_LIST: of its size_t count */
    const char *fallback;             /* as text; NULL: none */
    const char *allowed;              /* UT_KEY_CHOICE: "a|b"; else, if given, said in errors and in the document */
    double min, max;                  /* numbers: inclusive range */
    bool (*check)(const char *value); /* TEXT and LIST: is one value as `allowed` says? NULL: any */
    bool required;
    bool secret; /* may hold a password: dumped through ut_redact */
    const char *help;
} ut_key;

extern const ut_key ut_config_keys[]; /* ends with a NULL name */
extern const ut_key ut_channel_keys[];

/* Sets a key's field in the struct at `base` from text; for UT_KEY_LIST adds to it. Says in `why`
 * what is allowed. */
UT_CHECK ut_status ut_key_set(const ut_key *key, void *base, const char *value, char *why, size_t why_size);
UT_CHECK ut_status ut_keys_default(const ut_key *keys, void *base);
/* Reads a YAML file of one flat mapping into the struct at `base`, which holds its defaults; all sections are "". Never
 * trusts its input. On an error too the fields are to be cleared. */
UT_CHECK ut_status ut_keys_parse(const char *text, size_t size, const char *name, const ut_key *keys, void *base,
                                 ut_err *err);
/* Frees what the fields of the table own. */
void ut_keys_clear(const ut_key *keys, void *base);
/* What the key allows, for people. Returns buf. */
const char *ut_key_allowed(const ut_key *key, char *buf, size_t size);

#endif
