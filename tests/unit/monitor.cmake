# Objects of their own before the libraries: the linker then takes the fakes and leaves the real ones out.
ut_test(test_channel
    SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_channel.c" "${CMAKE_SOURCE_DIR}/tests/unit/fake_recognition.c"
            "${CMAKE_SOURCE_DIR}/tests/unit/fake_store.c"
    LINK ut_monitor LABELS monitor TIMEOUT 120)
ut_test(test_monitor
    SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_monitor.c" "${CMAKE_SOURCE_DIR}/tests/unit/fake_recognition.c"
    LINK ut_monitor LABELS monitor TIMEOUT 300)
ut_test(test_replay
    SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_replay.c" "${CMAKE_SOURCE_DIR}/tests/unit/fake_recognition.c"
    LINK ut_pipeline LABELS replay TIMEOUT 120)
