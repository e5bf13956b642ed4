/* Libraries of cuda/'s name that a program must refuse: without the symbol, of another interface, for a newer driver.
 */
#include <stdio.h>

#include "cuda/undertone_cuda.h"

#ifndef FAULT_NO_SYMBOL
#define FAULT_NO_SYMBOL 0
#endif
#ifndef FAULT_OTHER_ABI
#define FAULT_OTHER_ABI 0
#endif

#if FAULT_NO_SYMBOL
int undertone_other(void);
int undertone_other(void)
{
    return 0;
}
#else
static int context_open(int device, utc_context **out, utc_error *err)
{
    (void)device;
    (void)out;
    snprintf(err->text, sizeof err->text, "the NVIDIA driver is for CUDA 11.4, too old for this library's 13.0");
    return err->code = UTC_E_UNSUPPORTED;
}

const utc_api *undertone_cuda(void)
{
    static const utc_api api = {.abi = UTC_ABI + FAULT_OTHER_ABI, .build = "faulty", .context_open = context_open};
    return &api;
}
#endif
