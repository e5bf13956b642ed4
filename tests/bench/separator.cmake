if(UT_BENCH)
    add_executable(bench_separator "${CMAKE_SOURCE_DIR}/tests/bench/bench_separator.c")
    target_link_libraries(bench_separator PRIVATE ut_test_models)
endif()
