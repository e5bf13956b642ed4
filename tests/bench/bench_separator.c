/* Separator speed: bench_separator [MODEL.safetensors…]; without a file, Wave-U-Net M1 with random weights. */
#include <stdio.h>

#include "separator/bench.h"
#include "tests/unit/model_maker.h"

static int measure(const ut_model *model)
{
    static const struct {
        const char *backend;
        ut_precision precision;
        size_t batch;
    } cases[] = {{"onednn", UT_PRECISION_F32, 1},
                 {"onednn", UT_PRECISION_F32, 4},
                 {"onednn", UT_PRECISION_BF16, 1},
                 {"onednn", UT_PRECISION_BF16, 4}};
    const ut_model_info *info = ut_model_describe(model);
    int failed = 0;
    printf("%s: %llu parameters, %.0f MMAC per block of %zu samples\n", info->name,
           (unsigned long long)info->parameters, info->macs_per_block / 1e6, info->block);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ut_separator_speed speed;
        ut_err err;
        ut_status rc =
            ut_separator_measure(model, cases[i].backend, cases[i].precision, cases[i].batch, 3, &speed, &err);
        if (rc == UT_OK)
            printf("  %-12s batch %zu: %7.1f x real time best, %7.1f mean, %6.1f GMAC/s\n", speed.backend, speed.batch,
                   speed.realtime, speed.realtime_mean, speed.gmacs);
        else
            printf("  %s\n", err.text);
        failed |= rc != UT_OK && rc != UT_E_UNSUPPORTED;
    }
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    ut_err err;
    ut_model *model = NULL;
    if (argc == 1) {
        model = maker_wave_unet(16384, 12, 24, 1);
        failed = measure(model);
        ut_model_close(&model);
    }
    for (int i = 1; i < argc; i++) {
        if (ut_model_load(argv[i], &model, &err) != UT_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        failed |= measure(model);
        ut_model_close(&model);
    }
    return failed;
}
