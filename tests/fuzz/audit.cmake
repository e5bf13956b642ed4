ut_fuzzer(fuzz_claim SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_claim.c" LINK ut_audit)
