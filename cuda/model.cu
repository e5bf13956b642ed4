#include "cuda/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/stft.h"

namespace utc
{

/* A batch is run as the next larger of these, so that each needs recording but once. */
static const size_t graph_sizes[GRAPHS] = {1, 4, 16, 64, 256};

static int check(const utc_model_options *o, utc_error *err)
{
    if (o->node_count == 0 || o->max_batch == 0 || o->max_batch > 65535)
        return fail(err, UTC_E_ARG, "%zu nodes, a batch of %zu (1 to 65535)", o->node_count, o->max_batch);
    if (count_of(o->input) == 0 || count_of(o->input) > (size_t)1 << 28)
        return fail(err, UTC_E_ARG, "input of %ux%ux%u", o->input.rows, o->input.columns, o->input.channels);
    if (o->domain != UTC_VALUES && o->block == 0)
        return fail(err, UTC_E_ARG, "a block of no samples");
    if (o->domain == UTC_MASK) {
        if (o->fft < FFT_MIN || o->fft > FFT_LIMIT || (o->fft & (o->fft - 1)))
            return fail(err, UTC_E_UNSUPPORTED, "fft of %zu: no power of two from %d to %d", o->fft, FFT_MIN,
                        FFT_LIMIT);
        if (o->hop == 0 || o->hop > o->fft || (o->frames - 1) * o->hop + o->fft != o->block)
            return fail(err, UTC_E_ARG, "%zu frames of %zu every %zu in %zu samples", o->frames, o->fft, o->hop,
                        o->block);
    }
    return UTC_OK;
}

static int copy_options(utc_model *m, const utc_model_options *options, utc_error *err)
{
    m->options = *options;
    m->nodes = (utc_node *)malloc(options->node_count * sizeof *m->nodes);
    if (!m->nodes)
        return out_of_memory(err, "nodes", options->node_count, NULL);
    memcpy(m->nodes, options->nodes, options->node_count * sizeof *m->nodes);
    m->options.nodes = m->nodes;
    utc_shape y = m->nodes[options->node_count - 1].shape;
    m->in_count = options->domain == UTC_VALUES ? count_of(options->input) : options->block;
    m->out_count = options->domain == UTC_VALUES ? count_of(y) : options->block;
    if (options->domain == UTC_WAVE && (count_of(options->input) != options->block || count_of(y) != options->block))
        return fail(err, UTC_E_ARG, "input or output are not the block's %zu samples", options->block);
    if (options->domain == UTC_MASK && (count_of(options->input) != options->frames * options->fft / 2 ||
                                        count_of(y) != options->frames * options->fft / 2))
        return fail(err, UTC_E_ARG, "input or output are not %zu frames of %zu bins", options->frames,
                    options->fft / 2);
    return UTC_OK;
}

static int open_tables(utc_model *m, utc_error *err)
{
    const utc_model_options *o = &m->options;
    if (o->domain != UTC_MASK)
        return UTC_OK;
    int rc = UTC_OK;
    float *window = (float *)malloc(o->fft * sizeof(float)), *twiddles = (float *)malloc(o->fft * sizeof(float));
    float *inverse = (float *)calloc(o->block, sizeof(float));
    if (!window || !twiddles || !inverse)
        rc = out_of_memory(err, "tables", o->block, NULL);
    if (rc == UTC_OK) {
        fill_hann(window, o->fft);
        fill_twiddles(twiddles, o->fft);
        for (size_t f = 0; f < o->frames; f++)
            for (size_t i = 0; i < o->fft; i++)
                inverse[f * o->hop + i] += window[i] * window[i];
        for (size_t i = 0; i < o->block; i++)
            inverse[i] = inverse[i] > 1e-8F ? 1 / (inverse[i] * (float)o->fft) : 0;
        if ((rc = upload(m, window, o->fft * sizeof(float), (void **)&m->window, err)) == UTC_OK &&
            (rc = upload(m, twiddles, o->fft * sizeof(float), (void **)&m->twiddles, err)) == UTC_OK)
            rc = upload(m, inverse, o->block * sizeof(float), (void **)&m->inverse, err);
    }
    free(window);
    free(twiddles);
    free(inverse);
    return rc;
}

static rt_error take(Lane *lane, void **out, size_t numbers, size_t each)
{
    size_t bytes = numbers * each * lane->capacity;
    rt_error problem = rt_alloc(out, bytes);
    if (!problem)
        lane->bytes += bytes;
    return problem;
}

static int open_lane(utc_model *m, Lane *lane, size_t capacity, utc_error *err)
{
    const utc_model_options *o = &m->options;
    rt_error problem;
    lane->capacity = capacity;
    if ((problem = rt_stream_open(&lane->stream)))
        return fail(err, UTC_E_DEVICE, "stream: %s", problem);
    problem = take(lane, (void **)&lane->memory, m->program.bytes, 1);
    if (!problem)
        problem = take(lane, &lane->staging, m->in_count, sizeof(float));
    if (!problem)
        problem = rt_alloc_pinned(&lane->pinned_in, m->in_count * capacity * sizeof(float));
    if (!problem)
        problem = rt_alloc_pinned((void **)&lane->pinned_out, m->out_count * capacity * sizeof(float));
    if (!problem && o->domain == UTC_MASK) {
        problem = take(lane, (void **)&lane->audio, o->block, sizeof(float));
        if (!problem)
            problem = take(lane, (void **)&lane->spectra, o->frames * o->fft, sizeof(float));
        if (!problem)
            problem = take(lane, (void **)&lane->windowed, o->frames * o->fft, sizeof(float));
        if (!problem)
            problem = take(lane, (void **)&lane->out, o->block, sizeof(float));
    }
    if (problem)
        return out_of_memory(err, "memory of a batch", m->program.bytes * capacity, problem);
    m->bytes += lane->bytes;
    return UTC_OK;
}

static void close_lane(Lane *lane)
{
    for (int s16 = 0; s16 < 2; s16++)
        for (int i = 0; i < GRAPHS; i++)
            rt_graph_close(lane->graphs[s16][i]);
    rt_free(lane->memory);
    rt_free(lane->staging);
    rt_free(lane->audio);
    rt_free(lane->spectra);
    rt_free(lane->windowed);
    rt_free(lane->out);
    rt_free_pinned(lane->pinned_in);
    rt_free_pinned(lane->pinned_out);
    rt_stream_close(lane->stream);
}

static rt_error record(const utc_model *m, Lane *lane, size_t count, int s16, rt_graph **out)
{
    rt_error problem = rt_capture_begin(lane->stream);
    if (problem)
        return problem;
    problem = enqueue(m, lane, count, s16);
    rt_error end = rt_capture_end(lane->stream, out);
    return problem ? problem : end;
}

/* Launches the batch in the smallest recorded size that holds it. What the slots beyond `count` hold is of older runs,
 * and nobody reads what becomes of it. */
static rt_error compute(const utc_model *m, Lane *lane, size_t count, int s16)
{
    int i = 0;
    while (i < GRAPHS && graph_sizes[i] < count)
        i++;
#ifdef __CUDACC__
    if (i < GRAPHS) {
        size_t size = graph_sizes[i] < lane->capacity ? graph_sizes[i] : lane->capacity;
        rt_graph **graph = &lane->graphs[s16][i];
        rt_error problem = *graph ? NULL : record(m, lane, size, s16, graph);
        return problem ? problem : rt_graph_launch(*graph, lane->stream);
    }
#else
    (void)record;
#endif
    return enqueue(m, lane, count, s16);
}

static rt_error send(const utc_model *m, Lane *lane, const void *const *x, size_t count, int s16)
{
    size_t bytes = m->in_count * (s16 ? sizeof(int16_t) : sizeof(float));
    for (size_t i = 0; i < count; i++)
        memcpy((char *)lane->pinned_in + i * bytes, x[i], bytes);
    rt_error problem = rt_copy_in(lane->stream, lane->staging, lane->pinned_in, count * bytes);
    if (!problem)
        problem = compute(m, lane, count, s16);
    if (!problem)
        problem =
            rt_copy_out(lane->stream, lane->pinned_out, lane_result(m, lane), count * m->out_count * sizeof(float));
    return problem;
}

static int run(utc_model *m, const void *const *x, float *const *y, size_t count, int s16, utc_error *err)
{
    size_t first = count > SPLIT_FROM && m->lanes[1].capacity ? (count + 1) / 2 : count, begin[LANES + 1];
    rt_error problem = NULL;
    begin[0] = 0;
    begin[1] = first;
    begin[2] = count;
    if (count > m->options.max_batch)
        return fail(err, UTC_E_ARG, "%zu blocks, opened for %zu", count, m->options.max_batch);
    if (s16 && m->options.domain == UTC_VALUES)
        return fail(err, UTC_E_ARG, "16-bit samples for a network without its domain");
    if ((problem = rt_use(m->context->device)) || (problem = rt_run_begins()))
        return fail(err, UTC_E_DEVICE, "%s", problem);
    for (int l = 0; l < LANES && !problem; l++)
        if (begin[l + 1] > begin[l])
            problem = send(m, &m->lanes[l], x + begin[l], begin[l + 1] - begin[l], s16);
    for (int l = 0; l < LANES && !problem; l++)
        if (begin[l + 1] > begin[l])
            problem = rt_wait(m->lanes[l].stream);
    if (problem)
        return fail(err, UTC_E_DEVICE, "%s: %s", m->context->info.name, problem);
    for (int l = 0; l < LANES; l++)
        for (size_t i = begin[l]; i < begin[l + 1]; i++)
            memcpy(y[i], m->lanes[l].pinned_out + (i - begin[l]) * m->out_count, m->out_count * sizeof(float));
    return UTC_OK;
}

void fill_hann(float *window, size_t size)
{
    for (size_t n = 0; n < size; n++)
        window[n] = (float)(0.5 - 0.5 * cos(2.0 * M_PI * (double)n / (double)size));
}

void fill_twiddles(float *twiddles, size_t size)
{
    for (size_t k = 0; k < size / 2; k++) {
        twiddles[2 * k] = (float)cos(2.0 * M_PI * (double)k / (double)size);
        twiddles[2 * k + 1] = (float)-sin(2.0 * M_PI * (double)k / (double)size);
    }
}

void model_close(utc_model *m)
{
    if (!m)
        return;
    rt_error ignored = rt_use(m->context->device);
    (void)ignored;
    for (int l = 0; l < LANES; l++)
        close_lane(&m->lanes[l]);
    weights_close(m);
    rt_free(m->window);
    rt_free(m->twiddles);
    rt_free(m->inverse);
    program_close(&m->program);
    free(m->nodes);
    free(m);
}

int model_open(utc_context *context, const utc_model_options *options, utc_model **out, utc_error *err)
{
    int rc = check(options, err);
    if (rc != UTC_OK)
        return rc;
    utc_model *m = (utc_model *)calloc(1, sizeof *m);
    if (!m)
        return out_of_memory(err, "model", sizeof *m, NULL);
    m->context = context;
    size_t split = options->max_batch > SPLIT_FROM ? (options->max_batch + 1) / 2 : 0;
    rt_error problem = rt_use(context->device);
    if (problem)
        rc = fail(err, UTC_E_DEVICE, "%s", problem);
    if (rc == UTC_OK && (rc = copy_options(m, options, err)) == UTC_OK &&
        (rc = program_open(&m->options, &m->program, err)) == UTC_OK && (rc = weights_open(m, err)) == UTC_OK &&
        (rc = open_tables(m, err)) == UTC_OK)
        rc = open_lane(m, &m->lanes[0], split ? split : options->max_batch, err);
    if (rc == UTC_OK && split)
        rc = open_lane(m, &m->lanes[1], split, err);
    if (rc != UTC_OK) {
        model_close(m);
        return rc;
    }
    *out = m;
    return UTC_OK;
}

int model_run(utc_model *m, const float *const *x, float *const *y, size_t count, utc_error *err)
{
    return run(m, (const void *const *)x, y, count, 0, err);
}

int model_run_s16(utc_model *m, const int16_t *const *x, float *const *y, size_t count, utc_error *err)
{
    return run(m, (const void *const *)x, y, count, 1, err);
}

} // namespace utc
