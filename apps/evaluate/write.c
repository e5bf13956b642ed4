#include "apps/evaluate/write.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli.h"
#include "apps/separate/wav.h"
#include "core/file.h"

enum { PATH_SIZE = 4096 };

static ut_status write_wav(const char *path, const ut_eval_query *query, ut_err *err)
{
    ut_wav *wav = NULL;
    ut_wav_format format = {.rate_hz = UT_RATE_HZ, .channels = 1, .duration_s = (double)query->frames / UT_RATE_HZ};
    ut_status rc = ut_wav_open(path, &format, &wav, err);
    if (rc == UT_OK)
        rc = ut_wav_write(wav, query->mix, query->frames, err);
    if (rc == UT_OK)
        rc = ut_wav_finish(&wav, err);
    ut_wav_close(&wav);
    return rc;
}

static ut_status write_line(FILE *out, const ut_eval_material *m, const ut_eval_column *column, const char *name,
                            const ut_eval_query *query, ut_err *err)
{
    json_t *music = json_array();
    for (size_t i = 0; i < query->segment_count; i++)
        json_array_append_new(music, json_string(m->tracks[query->segments[i].track].path));
    bool absent = column->kind == UT_EVAL_ABSENT || column->kind == UT_EVAL_SPEECH;
    json_t *line = json_pack("{s:s, s:s, s:b, s:f, s:o}", "file", name, "condition", column->name, "absent", absent,
                             "seconds", (double)query->frames / UT_RATE_HZ, "music", music);
    bool ok = line && json_dumpf(line, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', out) != EOF;
    json_decref(line);
    return ok ? UT_OK : ut_fail(err, UT_E_IO, "%s: cannot be noted", name);
}

static ut_status write_query(const ut_eval_material *m, const ut_eval_plan *plan, size_t at, size_t number,
                             const char *folder, FILE *list, ut_err *err)
{
    const ut_eval_column *column = &plan->columns[at];
    ut_eval_recipe recipe = {
        .kind = column->kind, .snr_db = column->snr_db, .seconds = plan->seconds, .seed = plan->seed};
    ut_eval_query query = {0};
    char name[64], path[PATH_SIZE];
    snprintf(name, sizeof name, "query-%zu-%05zu.wav", at, number);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return ut_fail(err, UT_E_ARG, "%.200s…: path too long", folder);
    if (ut_cli_stopped())
        return ut_fail(err, UT_E_STOPPED, "stopped");
    ut_status rc = ut_eval_query_make(m, &recipe, number, &query, err);
    if (rc == UT_OK)
        rc = write_wav(path, &query, err);
    if (rc == UT_OK)
        rc = write_line(list, m, column, name, &query, err);
    ut_eval_query_clear(&query);
    return rc;
}

static ut_status write_text(const char *folder, const char *name, const char *text, size_t size, ut_err *err)
{
    char path[PATH_SIZE];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return ut_fail(err, UT_E_ARG, "%.200s…: path too long", folder);
    return ut_file_write(path, text, size, err);
}

static ut_status write_catalogue(const ut_eval_material *m, bool all, const char *folder, ut_err *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "%s: list of tracks", folder);
    for (size_t i = 0; i < m->track_count; i++)
        if (m->tracks[i].id == (int64_t)i + 1 && (all || !m->tracks[i].held_out))
            fprintf(out, "%s\n", m->tracks[i].path);
    ut_status rc = fclose(out) == 0 ? UT_OK : ut_fail(err, UT_E_NOMEM, "%s: list of tracks", folder);
    if (rc == UT_OK)
        rc = write_text(folder, all ? "catalogue.txt" : "catalogue-without.txt", text, size, err);
    free(text);
    return rc;
}

ut_status ut_eval_write(const ut_eval_material *material, const ut_eval_plan *plan, const char *folder, ut_err *err)
{
    char *text = NULL;
    size_t size = 0;
    ut_status rc = ut_folder_make(folder, err);
    if (rc != UT_OK)
        return rc;
    FILE *list = open_memstream(&text, &size);
    if (!list)
        return ut_fail(err, UT_E_NOMEM, "%s: list of queries", folder);
    for (size_t c = 0; c < plan->column_count; c++)
        for (size_t n = 0; n < plan->columns[c].queries && rc == UT_OK; n++)
            rc = write_query(material, plan, c, n, folder, list, err);
    if (fclose(list) != 0 && rc == UT_OK)
        rc = ut_fail(err, UT_E_NOMEM, "%s: list of queries", folder);
    if (rc == UT_OK)
        rc = write_catalogue(material, true, folder, err);
    if (rc == UT_OK)
        rc = write_catalogue(material, false, folder, err);
    if (rc == UT_OK)
        rc = write_text(folder, "queries.jsonl", text, size, err); /* last: with it the folder is whole */
    free(text);
    return rc;
}
