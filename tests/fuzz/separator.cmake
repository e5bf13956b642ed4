ut_fuzzer(fuzz_model SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_model.c" LINK ut_separator)
