if(UT_BENCH)
    add_executable(bench_index "${CMAKE_SOURCE_DIR}/tests/bench/bench_index.c")
    target_link_libraries(bench_index PRIVATE ut_bench)
endif()
