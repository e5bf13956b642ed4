add_library(ut_test_synth STATIC "${CMAKE_SOURCE_DIR}/tests/unit/synth.c")
target_link_libraries(ut_test_synth PUBLIC ut_settings)
foreach(name peaks fingerprint evidence explain index vote track trail)
    ut_test(test_${name} SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_${name}.c" LINK ut_fingerprint ut_test_synth
        LABELS fingerprint)
endforeach()
