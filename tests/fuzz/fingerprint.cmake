foreach(name fingerprint index trail)
    ut_fuzzer(fuzz_${name} SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c" LINK ut_fingerprint)
endforeach()
