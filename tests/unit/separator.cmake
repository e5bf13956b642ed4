add_library(ut_test_models STATIC "${CMAKE_SOURCE_DIR}/tests/unit/model_maker.c"
    "${CMAKE_SOURCE_DIR}/tests/unit/op_cases.c")
target_link_libraries(ut_test_models PUBLIC ut_separator PkgConfig::jansson PkgConfig::cmocka)
foreach(part backend model stream)
    ut_test(test_separator_${part} SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_separator_${part}.c" LINK ut_test_models)
endforeach()
ut_test(test_separator_golden SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_separator_golden.c" LINK ut_separator)
ut_test(test_separator_nomem SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_separator_nomem.c"
    LINK ut_test_models ut_nomem)

# Other instruction sets take other kernels of oneDNN.
foreach(isa AVX2 SSE41)
    foreach(part backend golden)
        add_test(NAME test_separator_${part}_${isa} COMMAND test_separator_${part})
        set_tests_properties(test_separator_${part}_${isa} PROPERTIES ENVIRONMENT "DNNL_MAX_CPU_ISA=${isa}")
    endforeach()
endforeach()
