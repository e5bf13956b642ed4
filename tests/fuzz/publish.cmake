ut_fuzzer(fuzz_jsonl SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_jsonl.c" LINK ut_publish)
ut_fuzzer(fuzz_replay_name SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_replay_name.c" LINK ut_pipeline)
ut_fuzzer(fuzz_event SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_event.c" LINK ut_publish)
