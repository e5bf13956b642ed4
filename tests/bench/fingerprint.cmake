if(UT_BENCH)
    add_executable(evidence_states "${CMAKE_SOURCE_DIR}/tests/bench/evidence_states.c")
    target_link_libraries(evidence_states PRIVATE ut_evaluate)
endif()
