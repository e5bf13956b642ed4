add_test(NAME catalogue COMMAND "${CMAKE_SOURCE_DIR}/tests/behaviour/catalogue.sh" $<TARGET_FILE:undertone>)
set_tests_properties(catalogue PROPERTIES LABELS behaviour TIMEOUT 300)

ut_test(test_catalogue_index SOURCES "${CMAKE_SOURCE_DIR}/tests/behaviour/test_catalogue_index.c"
    LINK store_fixture ut_pipeline LABELS behaviour TIMEOUT 300)
