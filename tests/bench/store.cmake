if(UT_BENCH)
    add_executable(bench_store "${CMAKE_SOURCE_DIR}/tests/bench/bench_store.c")
    target_link_libraries(bench_store PRIVATE ut_bench ut_pipeline ut_db)
endif()
