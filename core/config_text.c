/* The configuration as text: the dump of one, and the manual of all keys. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_key.h"

/* --- passwords
 * --------------------------------------------------------------------------------------- */

/* Length of a "name=" at `at` whose value is a secret; 0 if there is none. */
static size_t secret_name(const char *at)
{
    static const char *const names[] = {
        "passphrase=", "sslpassword=", "password=", "passwd=", "token=", "secret=", "key="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncasecmp(at, names[i], strlen(names[i])) == 0)
            return strlen(names[i]);
    return 0;
}

/* The end of the value at `at`; one in quotes may hold anything, a quote after a backslash too. */
static const char *secret_end(const char *at)
{
    if (*at != '\'')
        return at + strcspn(at, "&;, #");
    for (at++; *at && *at != '\''; at++)
        at += *at == '\\' && at[1];
    return at + (*at == '\'');
}

/* The "user:" and the end of "password@" of a URI, if it has them. The last @ before the path ends
 * it, since people do not always escape one in a password. */
static bool find_userinfo(const char *uri, const char **colon, const char **end)
{
    const char *authority = strstr(uri, "://");
    if (!authority)
        return false;
    authority += 3;
    size_t size = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', size);
    *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    *end = at;
    return *colon != NULL;
}

const char *ut_redact(const char *uri, char *buf, size_t size)
{
    const char *colon = NULL, *end = NULL;
    bool userinfo = find_userinfo(uri, &colon, &end);
    size_t at = 0;
    for (const char *c = uri; *c && at + 1 < size;) {
        size_t name = c == uri || !isalnum((unsigned char)c[-1]) ? secret_name(c) : 0;
        bool password = userinfo && c == colon;
        if (!name && !password) {
            buf[at++] = *c++;
            continue;
        }
        at += (size_t)snprintf(buf + at, size - at, "%.*s***", (int)(name ? name : 1), c);
        c = password ? end : secret_end(c + name);
        at = at < size ? at : size - 1;
    }
    if (size)
        buf[at] = '\0';
    return buf;
}

const char *ut_redact_property(const char *property, char *buf, size_t size)
{
    static const char *const names[] = {"password", "secret", "token", "pem", "oauthbearer"};
    size_t name_size = strcspn(property, "=: ");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *found = strcasestr(property, names[i]);
        if (found && found < property + name_size) {
            snprintf(buf, size, "%.*s=***", (int)name_size, property);
            return buf;
        }
    }
    snprintf(buf, size, "%s", property);
    return buf;
}

/* --- dump
 * -------------------------------------------------------------------------------------------- */

/* Double-quoted YAML; config values hold no control characters worth keeping. */
static void put_text(FILE *out, const char *value)
{
    fputc('"', out);
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\')
            fputc('\\', out);
        if ((unsigned char)*c < ' ')
            fprintf(out, "\\x%02x", (unsigned char)*c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void put_secret(FILE *out, const char *value)
{
    size_t size = 2 * strlen(value) + 8; /* "key=x" becomes "key=***" */
    char *shown = malloc(size);
    put_text(out, shown ? ut_redact(value, shown, size) : "***");
    free(shown);
}

static void put_property(FILE *out, const char *value)
{
    size_t size = strlen(value) + 8;
    char *shown = malloc(size);
    put_text(out, shown ? ut_redact_property(value, shown, size) : "***");
    free(shown);
}

static void put_value(FILE *out, const ut_key *key, const void *base)
{
    const void *at = (const char *)base + key->offset;
    switch (key->type) {
    case UT_KEY_TEXT:
        if (*(char *const *)at)
            (key->secret ? put_secret : put_text)(out, *(char *const *)at);
        break;
    case UT_KEY_CHOICE:
        fputs(*(char *const *)at, out);
        break;
    case UT_KEY_BOOL:
        fputs(*(const bool *)at ? "true" : "false", out);
        break;
    case UT_KEY_INT:
        fprintf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case UT_KEY_REAL:
        fprintf(out, "%.15g", *(const double *)at);
        break;
    case UT_KEY_LIST: {
        size_t count = *(const size_t *)(const void *)((const char *)base + key->count_offset);
        fputc('[', out);
        for (size_t i = 0; i < count; i++) {
            fputs(i ? ", " : "", out);
            (key->secret ? put_property : put_text)(out, (*(char **const *)at)[i]);
        }
        fputc(']', out);
        break;
    }
    }
}

static ut_status written(FILE *out, const char *what, ut_err *err)
{
    return fflush(out) == 0 && !ferror(out) ? UT_OK : ut_fail(err, UT_E_IO, "%s: cannot be written", what);
}

ut_status ut_config_dump(const ut_config *config, FILE *out, ut_err *err)
{
    const char *section = "";
    for (const ut_key *key = ut_config_keys; key->name; key++) {
        if (strcmp(key->section, section) != 0)
            fprintf(out, "%s:\n", section = key->section);
        fprintf(out, "%s%s: ", section[0] ? "  " : "", key->name);
        put_value(out, key, config);
        fputc('\n', out);
    }
    fputs(config->channel_count ? "channels:\n" : "channels: []\n", out);
    for (size_t i = 0; i < config->channel_count; i++)
        for (const ut_key *key = ut_channel_keys; key->name; key++) {
            fprintf(out, "  %s %s: ", key == ut_channel_keys ? "-" : " ", key->name);
            put_value(out, key, &config->channels[i]);
            fputc('\n', out);
        }
    return written(out, "configuration dump", err);
}

/* --- manual
 * ------------------------------------------------------------------------------------------ */

/* A cell of a Markdown table: "|" would end it. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text; text++)
        fputs(*text == '|' ? "\\|" : (char[]){*text, '\0'}, out);
}

static void put_table(FILE *out, const ut_key *keys, const char *section)
{
    fputs("| key | default | allowed | |\n|---|---|---|---|\n", out);
    for (; keys->name; keys++) {
        char allowed[200];
        if (strcmp(keys->section, section) != 0)
            continue;
        fprintf(out, "| `%s` | %s%s%s | ", keys->name, keys->fallback ? "`" : "",
                keys->fallback   ? keys->fallback
                : keys->required ? "required"
                                 : "",
                keys->fallback ? "`" : "");
        put_cell(out, ut_key_allowed(keys, allowed, sizeof allowed));
        fputs(keys->type == UT_KEY_LIST ? "; a list | " : " | ", out);
        put_cell(out, keys->help);
        fputs(" |\n", out);
    }
}

ut_status ut_config_document(FILE *out, ut_err *err)
{
    fputs(
        "# Configuration\n\n"
        "One YAML file, given with `--config`. `undertone config check FILE` says whether it is right;\n"
        "`undertone config dump --config FILE` prints every value in force. An unknown key or a bad value is an error\n"
        "with file, line, key, value and what is allowed. `configs/undertone.yaml` is a commented example.\n\n"
        "This page is made from the key table by `undertone config document`.\n\n"
        "## Top\n\n",
        out);
    put_table(out, ut_config_keys, "");
    const char *section = "";
    for (const ut_key *key = ut_config_keys; key->name; key++)
        if (strcmp(key->section, section) != 0) {
            section = key->section;
            fprintf(out, "\n## `%s`\n\n", section);
            put_table(out, ut_config_keys, section);
        }
    fputs("\n## `channels`\n\nA list; each channel has\n\n", out);
    put_table(out, ut_channel_keys, "channels");
    return written(out, "configuration manual", err);
}
