# Capture end to end: media made by GStreamer, real senders on loopback. Each is well below half a minute.
set(capture_support "${CMAKE_SOURCE_DIR}/tests/integration/capture_support.c"
    "${CMAKE_SOURCE_DIR}/tests/integration/capture_senders.c")
foreach(name media)
    ut_test(test_${name} SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_${name}.c" ${capture_support}
        LINK ut_capture LABELS capture integration TIMEOUT 180)
endforeach()
