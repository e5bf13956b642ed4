#include "apps/drawing/png.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

ut_status ut_png_encode(const uint8_t *grey, size_t columns, size_t rows, uint8_t **data, size_t *size, ut_err *err)
{
    png_image image;
    png_alloc_size_t bytes = 0;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.format = PNG_FORMAT_GRAY;
    image.width = (png_uint_32)columns;
    image.height = (png_uint_32)rows;
    if (!png_image_write_get_memory_size(image, bytes, 0, grey, 0, NULL))
        return ut_fail(err, UT_E_ARG, "image of %zu x %zu: %s", columns, rows, image.message);
    uint8_t *out = malloc(bytes);
    if (!out)
        return ut_fail(err, UT_E_NOMEM, "image of %zu x %zu", columns, rows);
    if (!png_image_write_to_memory(&image, out, &bytes, 0, grey, 0, NULL)) {
        free(out);
        return ut_fail(err, UT_E_ARG, "image of %zu x %zu: %s", columns, rows, image.message);
    }
    *data = out;
    *size = bytes;
    return UT_OK;
}
