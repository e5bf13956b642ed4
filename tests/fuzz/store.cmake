ut_fuzzer(fuzz_dsn SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_dsn.c" LINK ut_db)
ut_fuzzer(fuzz_store SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_store.c" LINK ut_db)
ut_fuzzer(fuzz_metadata SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_metadata.c" LINK ut_pipeline)
