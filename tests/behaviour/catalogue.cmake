add_test(NAME catalogue COMMAND "${CMAKE_SOURCE_DIR}/tests/behaviour/catalogue.sh" $<TARGET_FILE:undertone>)
set_tests_properties(catalogue PROPERTIES LABELS behaviour TIMEOUT 300 ENVIRONMENT
    "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/sanitizers/lsan.supp:print_suppressions=0")

ut_test(test_catalogue_index SOURCES "${CMAKE_SOURCE_DIR}/tests/behaviour/test_catalogue_index.c"
    LINK store_fixture ut_pipeline LABELS behaviour TIMEOUT 300)
ut_test(test_ingest SOURCES "${CMAKE_SOURCE_DIR}/tests/behaviour/test_ingest.c"
    LINK store_fixture ut_pipeline LABELS behaviour TIMEOUT 120)
ut_postgres_test(postgres_catalogue_index COMMAND $<TARGET_FILE:test_catalogue_index> LABELS behaviour TIMEOUT 300)
ut_postgres_test(postgres_ingest COMMAND $<TARGET_FILE:test_ingest> LABELS behaviour TIMEOUT 120)
ut_postgres_test(postgres_catalogue_copy
    COMMAND "${CMAKE_SOURCE_DIR}/tests/behaviour/catalogue_copy.sh" $<TARGET_FILE:undertone>
    LABELS behaviour TIMEOUT 300)
set_property(TEST postgres_catalogue_copy PROPERTY ENVIRONMENT
    "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/sanitizers/lsan.supp:print_suppressions=0")
