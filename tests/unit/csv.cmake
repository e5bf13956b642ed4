ut_test(test_csv SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_csv.c" LINK ut_core LABELS unit)
