/* A part of an XLSX file, walked as XML. Private to this folder.
 *
 * The file is never trusted: no DTD and so no entities, nothing from elsewhere, a bound on what a part unpacks to and
 * on how deep it nests. Memory does not grow with the part. */
#ifndef UT_CUESHEET_XLSX_PART_H
#define UT_CUESHEET_XLSX_PART_H

#include <stddef.h>

#include "core/status.h"

#define UT_XLSX_PART_BYTES (256u << 20)

typedef struct ut_xlsx ut_xlsx;

/* `name` (borrowed) stands for the file in messages; the data are borrowed. UT_E_ARG: not a ZIP file. */
UT_CHECK ut_status ut_xlsx_open(const char *name, const char *data, size_t size, ut_xlsx **out, ut_err *err);
void ut_xlsx_close(ut_xlsx **xlsx);

/* Attributes of an element: names without prefix, values unescaped. */
typedef struct {
    size_t count;
    const char *const *names;
    const char *const *values;
} ut_xml_attributes;
/* NULL: there is none. */
const char *ut_xml_attribute(const ut_xml_attributes *attributes, const char *name);

/* Other than UT_OK ends the walk and is returned, with what was put into err. Names come without prefix. NULL: not
 * of interest. */
typedef struct {
    ut_status (*start)(void *arg, const char *name, const ut_xml_attributes *attributes, ut_err *err);
    ut_status (*text)(void *arg, const char *text, size_t size, ut_err *err); /* may come in pieces */
    ut_status (*end)(void *arg, const char *name, ut_err *err);
} ut_xml_walk;

/* UT_E_NOTFOUND: there is no such part. */
UT_CHECK ut_status ut_xlsx_walk(ut_xlsx *xlsx, const char *part, const ut_xml_walk *walk, void *arg, ut_err *err);

#endif
