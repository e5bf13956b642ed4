#include "apps/separate/wav.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sndfile.h>

struct ut_wav {
    char *path, *part; /* part: what is written until it is whole */
    SNDFILE *file;
    bool created;
};

/* Plain WAV can be read by everything, but its sizes are 32-bit. */
static bool fits_wav(const ut_wav_format *f)
{
    double bytes = f->duration_s * f->rate_hz * f->channels * (f->floats ? 4 : 2);
    return bytes < 3e9; /* false for NAN; a quarter to spare, for a duration that was only about right */
}

ut_status ut_wav_open(const char *path, const ut_wav_format *format, ut_wav **out, ut_err *err)
{
    SF_INFO info = {.samplerate = format->rate_hz,
                    .channels = format->channels,
                    .format = (fits_wav(format) ? SF_FORMAT_WAV : SF_FORMAT_RF64) |
                              (format->floats ? SF_FORMAT_FLOAT : SF_FORMAT_PCM_16)};
    ut_status rc;
    ut_wav *w = calloc(1, sizeof *w);
    if (!w || !(w->path = strdup(path)) || asprintf(&w->part, "%s.%d.part", path, (int)getpid()) < 0) {
        rc = ut_fail(err, UT_E_NOMEM, "write: %s", path);
        goto fail;
    }
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) { /* renaming would replace a device */
        rc = ut_fail(err, UT_E_ARG, "write: %s: not a regular file", path);
        goto fail;
    }
    int fd = open(w->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        rc = ut_fail(err, UT_E_IO, "write: %s: %s", path, strerror(errno));
        goto fail;
    }
    w->created = true;
    if (!(w->file = sf_open_fd(fd, SFM_WRITE, &info, 1))) { /* closes fd, also when it fails */
        rc = ut_fail(err, UT_E_IO, "write: %s: %s", path, sf_strerror(NULL));
        goto fail;
    }
    sf_command(w->file, SFC_RF64_AUTO_DOWNGRADE, NULL, SF_TRUE);
    sf_command(w->file, SFC_SET_CLIPPING, NULL, SF_TRUE);
    *out = w;
    return UT_OK;
fail:
    ut_wav_close(&w);
    return rc;
}

ut_status ut_wav_write(ut_wav *w, const float *interleaved, size_t frames, ut_err *err)
{
    if (sf_writef_float(w->file, interleaved, (sf_count_t)frames) != (sf_count_t)frames)
        return ut_fail(err, UT_E_IO, "write: %s: %s", w->path, sf_strerror(w->file));
    return UT_OK;
}

ut_status ut_wav_finish(ut_wav **wav, ut_err *err)
{
    ut_wav *w = *wav;
    ut_status rc = UT_OK;
    sf_write_sync(w->file);
    int problem = sf_close(w->file);
    w->file = NULL;
    if (problem)
        rc = ut_fail(err, UT_E_IO, "write: %s: %s", w->path, sf_error_number(problem));
    else if (rename(w->part, w->path) != 0)
        rc = ut_fail(err, UT_E_IO, "write: %s: %s", w->path, strerror(errno));
    else
        w->created = false;
    ut_wav_close(wav);
    return rc;
}

void ut_wav_close(ut_wav **wav)
{
    ut_wav *w = *wav;
    if (!w)
        return;
    if (w->file)
        sf_close(w->file);
    if (w->created)
        unlink(w->part);
    free(w->part);
    free(w->path);
    free(w);
    *wav = NULL;
}
