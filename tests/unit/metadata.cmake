ut_test(test_metadata SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_metadata.c" LINK ut_pipeline LABELS unit)
