/* The schema files of this folder, embedded in the program: each is one step of the migration. */
#ifndef UT_DB_SCHEMA_SCHEMA_H
#define UT_DB_SCHEMA_SCHEMA_H

#include <stddef.h>

/* SQL of the steps in order, ends with NULL. Step i makes schema version i + 1. */
extern const char *const ut_schema_sqlite[];
extern const char *const ut_schema_postgres[];

#endif
