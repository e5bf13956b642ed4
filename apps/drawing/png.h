/* Grey images as PNG (libpng). */
#ifndef UT_APPS_DRAWING_PNG_H
#define UT_APPS_DRAWING_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/* grey: rows × columns, 0 black … 255 white, the top row first. *data is malloc'd. */
UT_CHECK ut_status ut_png_encode(const uint8_t *grey, size_t columns, size_t rows, uint8_t **data, size_t *size,
                                 ut_err *err);

#endif
