ut_test(test_separate SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_separate.c"
    LINK ut_separate ut_test_models PkgConfig::sndfile)
