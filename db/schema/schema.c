#include "db/schema/schema.h"

/* The assembler takes the file as it is, so there is no copy of the SQL that could differ from it.
 */
#define EMBED(symbol, file)                                                                                            \
    extern const char symbol[];                                                                                        \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".global " #symbol "\n" #symbol ":\n"                                                                      \
            ".incbin \"" UT_SCHEMA_DIR "/" file "\"\n.byte 0\n"                                                        \
            ".popsection\n")

EMBED(ut_schema_sqlite_0001, "sqlite/0001_store.sql");
EMBED(ut_schema_sqlite_0002, "sqlite/0002_review.sql");
EMBED(ut_schema_sqlite_0003, "sqlite/0003_instances.sql");
EMBED(ut_schema_sqlite_0004, "sqlite/0004_unknown.sql");
EMBED(ut_schema_sqlite_0005, "sqlite/0005_rule.sql");
EMBED(ut_schema_sqlite_0006, "sqlite/0006_programmes.sql");
EMBED(ut_schema_sqlite_0007, "sqlite/0007_speech_share.sql");
EMBED(ut_schema_sqlite_0008, "sqlite/0008_shares.sql");
EMBED(ut_schema_postgres_0001, "postgres/0001_store.sql");
EMBED(ut_schema_postgres_0002, "postgres/0002_review.sql");
EMBED(ut_schema_postgres_0003, "postgres/0003_instances.sql");
EMBED(ut_schema_postgres_0004, "postgres/0004_unknown.sql");
EMBED(ut_schema_postgres_0005, "postgres/0005_rule.sql");
EMBED(ut_schema_postgres_0006, "postgres/0006_programmes.sql");
EMBED(ut_schema_postgres_0007, "postgres/0007_speech_share.sql");
EMBED(ut_schema_postgres_0008, "postgres/0008_shares.sql");

const char *const ut_schema_sqlite[] = {ut_schema_sqlite_0001, ut_schema_sqlite_0002, ut_schema_sqlite_0003,
                                        ut_schema_sqlite_0004, ut_schema_sqlite_0005, ut_schema_sqlite_0006,
                                        ut_schema_sqlite_0007, ut_schema_sqlite_0008, NULL};
const char *const ut_schema_postgres[] = {ut_schema_postgres_0001, ut_schema_postgres_0002, ut_schema_postgres_0003,
                                          ut_schema_postgres_0004, ut_schema_postgres_0005, ut_schema_postgres_0006,
                                          ut_schema_postgres_0007, ut_schema_postgres_0008, NULL};
