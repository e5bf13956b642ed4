ut_test(test_cue SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_cue.c" LINK ut_cuesheet LABELS cuesheet)
ut_test(test_sheet SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_sheet.c" LINK ut_cuesheet LABELS cuesheet)
target_compile_definitions(test_sheet PRIVATE UT_SCHEMAS="${CMAKE_SOURCE_DIR}/configs/schemas")
