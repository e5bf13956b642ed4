#include "pipeline/metadata.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/csv.h"
#include "core/file.h"
#include "core/identifier.h"
#include "pipeline/parties.h"

#define FILE_LIMIT ((size_t)256 << 20)

typedef struct {
    ut_recording rec;
    size_t line;
} row;

struct ut_metadata {
    char *name;
    row *rows;
    size_t count;
    size_t capacity;
};

/* --- columns ------------------------------------------------------------------------------------
 */

typedef enum { TEXT, ISRC, ISWC, PARTIES } cell_kind;

static const struct {
    const char *name;
    cell_kind kind;
    size_t at; /* of the char * in ut_recording, or the ut_role */
} columns[] = {
    {"file", TEXT, offsetof(ut_recording, file)},       {"title", TEXT, offsetof(ut_recording, title)},
    {"artist", TEXT, offsetof(ut_recording, artist)},   {"album", TEXT, offsetof(ut_recording, album)},
    {"isrc", ISRC, offsetof(ut_recording, isrc)},       {"label", TEXT, offsetof(ut_recording, label)},
    {"library", TEXT, offsetof(ut_recording, library)}, {"catalogue_no", TEXT, offsetof(ut_recording, catalogue_no)},
    {"work", TEXT, offsetof(ut_recording, work)},       {"iswc", ISWC, offsetof(ut_recording, iswc)},
    {"composers", PARTIES, UT_ROLE_COMPOSER},           {"authors", PARTIES, UT_ROLE_AUTHOR},
    {"arrangers", PARTIES, UT_ROLE_ARRANGER},           {"publishers", PARTIES, UT_ROLE_PUBLISHER},
    {"subpublishers", PARTIES, UT_ROLE_SUBPUBLISHER},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* Without the spaces around it; heap, NULL on lack of memory. */
static char *trimmed(const char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    return strndup(text, n);
}

static ut_status column_find(const ut_metadata *m, const char *cell, size_t line, int *out, ut_err *err)
{
    char *name = trimmed(cell);
    if (!name)
        return ut_fail(err, UT_E_NOMEM, "%s:%zu", m->name, line);
    int found = -1;
    for (int i = 0; i < COLUMNS; i++)
        found = strcasecmp(columns[i].name, name) == 0 ? i : found;
    ut_status rc = UT_OK;
    if (found < 0)
        rc = ut_fail(err, UT_E_ARG,
                     "%s:%zu: unknown column \"%.60s\"; known: file, title, artist, album, isrc, label, library,"
                     " catalogue_no, work, iswc, composers, authors, arrangers, publishers, subpublishers",
                     m->name, line, name);
    free(name);
    *out = found;
    return rc;
}

/* map[i]: the column that field i of every row belongs to. */
static ut_status header_read(const ut_metadata *m, const ut_csv_record *record, int map[COLUMNS], ut_err *err)
{
    bool seen[COLUMNS] = {false};
    if (record->count == 0)
        return ut_fail(err, UT_E_ARG, "%s:1: empty; its first row must name the columns, \"file\" among them", m->name);
    if (record->count == 1 && strpbrk(record->fields[0], ";\t"))
        return ut_fail(err, UT_E_ARG, "%s:%zu: columns are not separated by commas; save the file as CSV with commas",
                       m->name, record->line);
    for (size_t i = 0; i < record->count; i++) {
        int column;
        ut_status rc = column_find(m, record->fields[i], record->line, &column, err);
        if (rc != UT_OK)
            return rc;
        if (seen[column])
            return ut_fail(err, UT_E_ARG, "%s:%zu: column \"%s\" is there twice; remove one", m->name, record->line,
                           columns[column].name);
        seen[column] = true;
        map[i] = column;
    }
    if (!seen[0])
        return ut_fail(err, UT_E_ARG, "%s:%zu: no column \"file\"; add one with the name of each audio file", m->name,
                       record->line);
    return UT_OK;
}

/* --- rows ----------------------------------------------------------------------------------------
 */

/* Writes the one spelling of an identifier over the user's. */
static ut_status identifier_read(cell_kind kind, char **value, ut_err *err)
{
    char code[16];
    if (kind == ISRC && !ut_isrc_parse(*value, code))
        return ut_fail(err, UT_E_ARG, "isrc \"%.40s\" is not one; two letters, three letters or digits, seven digits",
                       *value);
    if (kind == ISWC && !ut_iswc_parse(*value, code))
        return ut_fail(err, UT_E_ARG,
                       "iswc \"%.40s\" is not one (T, nine digits, check digit); correct it or leave it"
                       " empty",
                       *value);
    char *copy = strdup(code);
    if (!copy)
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    free(*value);
    *value = copy;
    return UT_OK;
}

static ut_status cell_read(ut_recording *rec, int column, const char *cell, ut_err *err)
{
    char *value = trimmed(cell);
    ut_status rc = UT_OK;
    if (!value)
        return ut_fail(err, UT_E_NOMEM, "out of memory");
    if (*value && columns[column].kind == PARTIES)
        rc = ut_parties_parse(columns[column].name, value, (ut_role)columns[column].at, rec, err);
    else if (*value && columns[column].kind != TEXT)
        rc = identifier_read(columns[column].kind, &value, err);
    if (rc == UT_OK && *value && columns[column].kind != PARTIES)
        *(char **)((char *)rec + columns[column].at) = value;
    else
        free(value);
    return rc;
}

static ut_status row_add(ut_metadata *m, ut_err *err)
{
    if (m->count == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 64;
        row *grown = reallocarray(m->rows, capacity, sizeof *grown);
        if (!grown)
            return ut_fail(err, UT_E_NOMEM, "%s: %zu rows", m->name, capacity);
        m->rows = grown;
        m->capacity = capacity;
    }
    m->rows[m->count++] = (row){0};
    return UT_OK;
}

static ut_status row_read(ut_metadata *m, const ut_csv_record *record, const int *map, size_t width, ut_err *err)
{
    if (record->count != width)
        return ut_fail(err, UT_E_ARG, "%s:%zu: %zu fields, the header has %zu; put fields with commas in quotes",
                       m->name, record->line, record->count, width);
    ut_status rc = row_add(m, err);
    if (rc != UT_OK)
        return rc;
    row *r = &m->rows[m->count - 1];
    r->line = record->line;
    for (size_t i = 0; i < width; i++) {
        if ((rc = cell_read(&r->rec, map[i], record->fields[i], err)) != UT_OK) {
            ut_err_prefix(err, "%s:%zu", m->name, record->line);
            return rc;
        }
    }
    if (!r->rec.file)
        return ut_fail(err, UT_E_ARG, "%s:%zu: no file; every row names one", m->name, record->line);
    return UT_OK;
}

static int by_file(const void *a, const void *b)
{
    const row *one = a, *two = b;
    int order = strcmp(one->rec.file, two->rec.file);
    return order ? order : (one->line > two->line) - (one->line < two->line);
}

static ut_status rows_check(ut_metadata *m, ut_err *err)
{
    if (m->count > 1)
        qsort(m->rows, m->count, sizeof *m->rows, by_file);
    for (size_t i = 1; i < m->count; i++) {
        if (strcmp(m->rows[i - 1].rec.file, m->rows[i].rec.file) == 0)
            return ut_fail(err, UT_E_ARG, "%s:%zu: file \"%.200s\" is on line %zu too; remove one", m->name,
                           m->rows[i].line, m->rows[i].rec.file, m->rows[i - 1].line);
    }
    return UT_OK;
}

ut_status ut_metadata_parse(const char *name, const char *text, size_t size, ut_metadata **out, ut_err *err)
{
    ut_csv *csv = NULL;
    ut_csv_record record;
    int map[COLUMNS];
    ut_metadata *m = calloc(1, sizeof *m);
    ut_status rc = m && (m->name = strdup(name)) ? UT_OK : ut_fail(err, UT_E_NOMEM, "%s: out of memory", name);
    if (rc == UT_OK)
        rc = ut_csv_open(m->name, text, size, &csv, err);
    if (rc == UT_OK)
        rc = ut_csv_next(csv, &record, err);
    if (rc == UT_OK)
        rc = header_read(m, &record, map, err);
    size_t width = rc == UT_OK ? record.count : 0;
    while (rc == UT_OK && (rc = ut_csv_next(csv, &record, err)) == UT_OK && record.count > 0)
        rc = row_read(m, &record, map, width, err);
    if (rc == UT_OK)
        rc = rows_check(m, err);
    ut_csv_close(&csv);
    if (rc == UT_OK)
        *out = m;
    else
        ut_metadata_close(&m);
    return rc;
}

ut_status ut_metadata_load(const char *path, ut_metadata **out, ut_err *err)
{
    char *text;
    size_t size;
    ut_status rc = ut_file_read(path, FILE_LIMIT, &text, &size, err);
    if (rc != UT_OK)
        return rc;
    rc = ut_metadata_parse(path, text, size, out, err);
    free(text);
    return rc;
}

void ut_metadata_close(ut_metadata **metadata)
{
    ut_metadata *m = *metadata;
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++)
        ut_recording_clear(&m->rows[i].rec);
    free(m->rows);
    free(m->name);
    free(m);
    *metadata = NULL;
}

size_t ut_metadata_rows(const ut_metadata *metadata)
{
    return metadata->count;
}

/* --- matching ------------------------------------------------------------------------------------
 */

typedef struct {
    const char *path, *name;
    size_t at; /* in the caller's list */
} target;

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int by_base(const void *a, const void *b)
{
    const target *one = a, *two = b;
    int order = strcmp(one->name, two->name);
    return order ? order : strcmp(one->path, two->path);
}

/* Whether `path` ends in the parts of `file`. */
static bool ends_in(const char *path, const char *file)
{
    size_t n = strlen(path), k = strlen(file);
    return k <= n && strcmp(path + n - k, file) == 0 && (k == n || file[0] == '/' || path[n - k - 1] == '/');
}

/* The first target whose name is not before `name`. */
static size_t lower_bound(const target *targets, size_t count, const char *name)
{
    size_t low = 0;
    while (count > 0) {
        size_t half = count / 2;
        if (strcmp(targets[low + half].name, name) < 0) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

/* Index in the caller's list of the one path that fits, or `count` if none does. */
static ut_status row_match(const ut_metadata *m, const row *r, const target *targets, size_t count, size_t *out,
                           ut_err *err)
{
    const char *file = strncmp(r->rec.file, "./", 2) == 0 ? r->rec.file + 2 : r->rec.file;
    const char *name = base(file), *first = NULL;
    size_t found = count;
    for (size_t i = lower_bound(targets, count, name); i < count && strcmp(targets[i].name, name) == 0; i++) {
        if (!ends_in(targets[i].path, file))
            continue;
        if (first)
            return ut_fail(err, UT_E_ARG, "%s:%zu: file \"%.80s\" fits both %.100s and %.100s; write more of its path",
                           m->name, r->line, r->rec.file, first, targets[i].path);
        first = targets[i].path;
        found = targets[i].at;
    }
    *out = found;
    return UT_OK;
}

ut_status ut_metadata_match(const ut_metadata *m, char *const *paths, size_t count, const ut_recording **rows,
                            ut_missed_fn missed, void *arg, ut_err *err)
{
    ut_status rc = UT_OK;
    target *targets = calloc(count ? count : 1, sizeof *targets);
    if (!targets)
        return ut_fail(err, UT_E_NOMEM, "%s: %zu paths", m->name, count);
    for (size_t i = 0; i < count; i++)
        targets[i] = (target){paths[i], base(paths[i]), i};
    qsort(targets, count, sizeof *targets, by_base);
    memset(rows, 0, count * sizeof *rows);
    for (size_t i = 0; rc == UT_OK && i < m->count; i++) {
        const row *r = &m->rows[i];
        size_t at = count;
        if ((rc = row_match(m, r, targets, count, &at, err)) != UT_OK)
            break;
        if (at == count)
            missed(arg, r->line, r->rec.file);
        else if (rows[at])
            rc = ut_fail(err, UT_E_ARG, "%s:%zu: \"%.100s\" and \"%.100s\" name the same file; remove one", m->name,
                         r->line, rows[at]->file, r->rec.file);
        else
            rows[at] = &r->rec;
    }
    free(targets);
    return rc;
}
