/* The machine and the build that figures were measured on: every figure names them. */
#ifndef UT_APPS_MACHINE_H
#define UT_APPS_MACHINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char cpu[128];      /* "AMD EPYC …" */
    char features[256]; /* of the instruction sets that matter here: "avx2 fma avx512f avx512_bf16"
                         */
    int cores;          /* that this process may use */
    int64_t memory_mib;
    char system[128]; /* kernel and distribution */
    char compiler[64];
    char version[32]; /* of undertone */
} ut_machine;

ut_machine ut_machine_describe(void);
/* Peak resident memory of this process in MiB. */
double ut_machine_peak_mib(void);
/* CPU seconds of all threads of this process: what a figure "per core" divides by, so that a busy
 * machine does not spoil it. */
double ut_machine_cpu_s(void);

#endif
