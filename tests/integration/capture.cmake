# Capture end to end: media made by GStreamer, real senders on loopback, free ports.
set(capture_support "${CMAKE_SOURCE_DIR}/tests/integration/capture_support.c"
    "${CMAKE_SOURCE_DIR}/tests/integration/capture_senders.c")
ut_test(test_supervisor SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_supervisor.c" ${capture_support}
    LINK ut_capture LABELS capture integration threads TIMEOUT 240)
# Demuxers, codecs and muxers are not built with TSan, and it takes their buffers that pass from thread to thread for races.
# test_supervisor has all of our threads.
if(NOT UT_SANITIZE STREQUAL "thread")
    pkg_check_modules(rtsp_server REQUIRED IMPORTED_TARGET gstreamer-rtsp-server-1.0)
    foreach(name media live_ts live_net)
        ut_test(test_${name} SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_${name}.c" ${capture_support}
            LINK ut_capture PkgConfig::rtsp_server LABELS capture integration TIMEOUT 240)
    endforeach()
endif()
