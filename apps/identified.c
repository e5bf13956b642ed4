#include "apps/identified.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

/* A number with `decimals` decimals; what is not a number is null. */
static json_t *rounded(double value, int decimals)
{
    double unit = pow(10.0, decimals);
    return isfinite(value) ? json_real(round(value * unit) / unit) : json_null();
}

/* Two significant digits, which is what an E-value is worth. Smaller than a double holds: the
 * smallest. */
static json_t *e_value(double log10_e)
{
    if (isnan(log10_e))
        return json_null();
    double exponent = floor(log10_e > -300 ? log10_e : -300);
    double digits = log10_e > -300 ? round(pow(10.0, log10_e - exponent + 1)) : 10;
    char text[32];
    snprintf(text, sizeof text, "%.0fe%.0f", digits, exponent - 1);
    return json_real(strtod(text, NULL));
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* A path is bytes, JSON is UTF-8. */
static json_t *clean(const char *path)
{
    char *copy = strdup(path);
    json_t *text = copy ? json_string(ut_utf8_clean(copy)) : NULL;
    free(copy);
    return text;
}

static json_t *recording_json(const ut_identification *what, const ut_recording *recording)
{
    if (what->recording_id == 0)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o}", "id", (json_int_t)what->recording_id, "title",
                     text_or_null(recording ? recording->title : NULL), "artist",
                     text_or_null(recording ? recording->artist : NULL), "isrc",
                     text_or_null(recording ? recording->isrc : NULL));
}

ut_status ut_identified_json(FILE *out, const char *file, const ut_identification *what, const ut_recording *recording,
                             const ut_versions *versions, ut_err *err)
{
    bool known = what->outcome != UT_UNIDENTIFIED;
    json_t *of = json_pack("{s:s, s:o, s:s, s:I}", "engine", UT_VERSION, "model", text_or_null(versions->model_hash),
                           "params", versions->params, "catalogue", (json_int_t)versions->catalogue_version);
    json_t *root = json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "file", clean(file), "start_s",
        rounded((double)what->start_sample / UT_RATE_HZ, 2), "end_s", rounded((double)what->end_sample / UT_RATE_HZ, 2),
        "outcome", ut_outcome_name(what->outcome), "recording", recording_json(what, recording), "ref_start_s",
        rounded(known ? what->ref_start_s : NAN, 2), "time_scale", rounded(known ? what->time_scale : NAN, 5),
        "e_value", e_value(known ? what->log10_e : NAN), "score", rounded(known ? what->score : NAN, 1), "music_lufs",
        rounded(what->music_lufs, 1), "speech_lufs", rounded(what->speech_lufs, 1), "source",
        ut_witness_name(what->witness), "versions", of);
    bool ok = root && json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(12)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return ok ? UT_OK : ut_fail(err, UT_E_IO, "%s: result cannot be written", file);
}

static void print_time(FILE *out, int64_t sample)
{
    int64_t hundredths = sample * 100 / UT_RATE_HZ;
    fprintf(out, "%2lld:%02lld:%02lld.%02lld", (long long)(hundredths / 360000), (long long)(hundredths / 6000 % 60),
            (long long)(hundredths / 100 % 60), (long long)(hundredths % 100));
}

void ut_identified_text(FILE *out, const ut_identification *what, const ut_recording *recording)
{
    fputs("  ", out);
    print_time(out, what->start_sample);
    fputs(" - ", out);
    print_time(out, what->end_sample);
    fprintf(out, "  %-12s", ut_outcome_name(what->outcome));
    if (what->recording_id != 0) {
        if (recording && recording->artist)
            fprintf(out, "  %s: %s", recording->artist, recording->title);
        else
            fprintf(out, "  %s", recording ? recording->title : "(no longer in the catalogue)");
        fprintf(out, " [%lld] from %.1f s", (long long)what->recording_id, what->ref_start_s);
        if (fabs(what->time_scale - 1.0) > 0.002)
            fprintf(out, " at %.1f %% speed", 100.0 / what->time_scale);
        fprintf(out, ", E 1e%.0f", what->log10_e);
    }
    if (isfinite(what->music_lufs))
        fprintf(out, ", music %.1f LUFS, speech %.1f LUFS", what->music_lufs, what->speech_lufs);
    fputc('\n', out);
}
