# Capture end to end: media made by GStreamer, real senders on loopback, free ports.
set(capture_support "${CMAKE_SOURCE_DIR}/tests/integration/capture_support.c"
    "${CMAKE_SOURCE_DIR}/tests/integration/capture_senders.c")
foreach(name media supervisor live_ts)
    ut_test(test_${name} SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_${name}.c" ${capture_support}
        LINK ut_capture LABELS capture integration TIMEOUT 240)
endforeach()
pkg_check_modules(rtsp_server REQUIRED IMPORTED_TARGET gstreamer-rtsp-server-1.0)
ut_test(test_live_net SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_live_net.c" ${capture_support}
    LINK ut_capture PkgConfig::rtsp_server LABELS capture integration TIMEOUT 240)
