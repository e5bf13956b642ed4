#include <assert.h>

#include "pipeline/ts_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever comes, and however it is cut: the same is found. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    int pid = (data[0] & 0x1f) << 8 | data[1];
    size_t cut = 1 + data[2];
    data += 3;
    size -= 3;
    ut_ts_watch whole, pieces;
    ut_ts_watch_init(&whole, pid, 0.1);
    ut_ts_watch_init(&pieces, pid, 0.1);
    bool found = ut_ts_watch_push(&whole, data, size), again = false;
    for (size_t at = 0; at < size; at += cut)
        again |= ut_ts_watch_push(&pieces, data + at, cut < size - at ? cut : size - at);
    assert(found == again);
    assert(whole.jumps == pieces.jumps && whole.lost == pieces.lost && whole.pts == pieces.pts);
    return 0;
}
