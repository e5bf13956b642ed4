ut_test(test_event SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_event.c" LINK ut_publish LABELS events)
target_compile_definitions(test_event PRIVATE UT_SCHEMAS="${CMAKE_SOURCE_DIR}/configs/schemas")
ut_test(test_sink_jsonl SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_sink_jsonl.c" LINK ut_publish LABELS events)
ut_test(test_outbox SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_outbox.c" LINK ut_publish LABELS events TIMEOUT 120)

# Objects of their own before the libraries: the linker then takes the fakes and leaves the real ones out.
ut_test(test_journal
    SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_journal.c" "${CMAKE_SOURCE_DIR}/tests/unit/fake_store.c"
    LINK ut_publish LABELS events TIMEOUT 120)

# Against the cluster in librdkafka; real brokers: integration/kafka.
ut_test(test_sink_kafka SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_sink_kafka.c" LINK ut_publish LABELS events TIMEOUT 120)
