ut_test(test_loudness SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/test_loudness.c LINK ut_cuesheet PkgConfig::ebur128)
