#include "cuesheet/claim_columns.h"

#include <ctype.h>
#include <string.h>

/* Names by which a column goes, in lower case, everything that is not a letter or digit as "_". */
static const char *const names[UT_C_COUNT] = {
    [UT_C_START] = "start|start_utc|start_time|in|in_time|time_in|timecode_in|tc_in|in_point|begin|start_date_time",
    [UT_C_END] = "end|end_utc|end_time|out|out_time|time_out|timecode_out|tc_out|out_point|stop|end_date_time",
    [UT_C_DURATION] = "duration|duration_s|length|dur|duration_seconds|length_s|total_time",
    [UT_C_DATE] = "date|air_date|airdate|broadcast_date|date_of_broadcast|transmission_date",
    [UT_C_TITLE] = "title|cue_title|song|song_title|track|track_title|recording|recording_title|music_title",
    [UT_C_ARTIST] = "artist|artists|performer|performers|main_artist|display_artist",
    [UT_C_WORK] = "work|work_title|composition",
    [UT_C_ISRC] = "isrc",
    [UT_C_ISWC] = "iswc",
    [UT_C_LABEL] = "label|record_label",
    [UT_C_LIBRARY] = "library|music_library|production_library",
    [UT_C_CATALOGUE_NO] = "catalogue_no|catalogue_number|catalog_no|catalog_number|catalogue|cat_no",
    [UT_C_USAGE] = "usage|use|usage_code|use_type|music_use|usage_type|origin_use",
    [UT_C_COMPOSERS] = "composer|composers|composer_s|writer|writers|composer_author",
    [UT_C_AUTHORS] = "author|authors|lyricist|lyricists",
    [UT_C_ARRANGERS] = "arranger|arrangers",
    [UT_C_PUBLISHERS] = "publisher|publishers|publisher_s",
    [UT_C_ROLE] = "role",
    [UT_C_FIRST] = "first_name|composer_first_name",
    [UT_C_LAST] = "last_name|composer_last_name|surname",
    [UT_C_IPI] = "ipi|ipi_no|ipi_number|cae_ipi|ipi_cae",
    [UT_C_SOCIETY] = "society|pro|cmo|affiliation|performing_rights_society",
    [UT_C_SHARE] = "share|shares|split",
    [UT_C_IN_H] = "in_h|in_hours",
    [UT_C_IN_M] = "in_m|in_min|in_minutes",
    [UT_C_IN_S] = "in_s|in_sec|in_seconds",
    [UT_C_OUT_H] = "out_h|out_hours",
    [UT_C_OUT_M] = "out_m|out_min|out_minutes",
    [UT_C_OUT_S] = "out_s|out_sec|out_seconds",
    [UT_C_DUR_M] = "dur_m|dur_min|duration_m|duration_minutes",
    [UT_C_DUR_S] = "dur_s|dur_sec",
};

static void key_of(const char *cell, char *key, size_t size)
{
    size_t n = 0;
    for (; *cell && n + 2 < size; cell++) {
        if (isalnum((unsigned char)*cell))
            key[n++] = (char)tolower((unsigned char)*cell);
        else if (n > 0 && key[n - 1] != '_')
            key[n++] = '_';
    }
    while (n > 0 && key[n - 1] == '_')
        n--;
    key[n] = '\0';
}

static int column_of(const char *cell)
{
    char key[64];
    key_of(cell, key, sizeof key);
    size_t size = strlen(key);
    for (int i = 0; size > 0 && i < UT_C_COUNT; i++) {
        for (const char *at = names[i]; *at;) {
            size_t length = strcspn(at, "|");
            if (length == size && memcmp(at, key, size) == 0)
                return i;
            at += length + (at[length] == '|');
        }
    }
    return -1;
}

static bool has(const ut_columns *columns, ut_column column)
{
    return columns->at[column] >= 0;
}

ut_status ut_columns_read(const char *name, const ut_grid_row *row, ut_columns *out, ut_err *err)
{
    ut_columns found = {.header_row = row->row};
    int twice = -1;
    for (int i = 0; i < UT_C_COUNT; i++)
        found.at[i] = -1;
    for (size_t i = 0; i < row->count; i++) {
        int column = column_of(row->cells[i]);
        if (column == UT_C_PUBLISHERS && has(&found, UT_C_PUBLISHERS) && has(&found, UT_C_ROLE))
            column = UT_C_IPI; /* the workbook heads its hidden column P like its neighbour */
        if (column < 0)
            continue;
        if (found.at[column] >= 0)
            twice = column;
        found.at[column] = (int)i;
    }
    bool timed = has(&found, UT_C_START) || has(&found, UT_C_IN_S);
    bool named = has(&found, UT_C_TITLE) || has(&found, UT_C_WORK) || has(&found, UT_C_ISRC) ||
                 has(&found, UT_C_ISWC) || has(&found, UT_C_CATALOGUE_NO);
    if (!timed || !named)
        return UT_E_NOTFOUND;
    if (twice >= 0)
        return ut_fail(err, UT_E_ARG, "%s:%zu: two columns mean %.*s; remove one", name, row->row,
                       (int)strcspn(names[twice], "|"), names[twice]);
    if (!has(&found, UT_C_END) && !has(&found, UT_C_OUT_S) && !has(&found, UT_C_DURATION) && !has(&found, UT_C_DUR_S))
        return ut_fail(err, UT_E_ARG, "%s:%zu: neither a column end nor a column duration", name, row->row);
    *out = found;
    return UT_OK;
}

void ut_columns_rapidcue(ut_columns *out)
{
    static const ut_column order[] = {UT_C_TITLE, UT_C_USAGE,      UT_C_IN_H,  UT_C_IN_M,    UT_C_IN_S, UT_C_OUT_H,
                                      UT_C_OUT_M, UT_C_OUT_S,      UT_C_DUR_M, UT_C_DUR_S,   UT_C_ROLE, UT_C_FIRST,
                                      UT_C_LAST,  UT_C_PUBLISHERS, UT_C_IPI,   UT_C_SOCIETY, UT_C_SHARE};
    out->header_row = 19;
    for (int i = 0; i < UT_C_COUNT; i++)
        out->at[i] = -1;
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++)
        out->at[order[i]] = i + 1; /* column A is the cue's number */
}

const char *ut_columns_cell(const ut_columns *columns, const ut_grid_row *row, ut_column column, size_t *size)
{
    int at = columns->at[column];
    *size = 0;
    if (at < 0 || (size_t)at >= row->count)
        return "";
    const char *start = row->cells[at], *end = start + strlen(start);
    while (isspace((unsigned char)*start))
        start++;
    if (start[0] == '\'' && start[1] && strchr("=+-@", start[1]))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    *size = (size_t)(end - start);
    return start;
}
