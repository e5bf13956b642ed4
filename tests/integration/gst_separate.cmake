ut_test(test_gst_separate SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_gst_separate.c"
    LINK ut_separate ut_test_models PkgConfig::sndfile PkgConfig::gstreamer LABELS gstreamer TIMEOUT 120)
target_compile_definitions(test_gst_separate PRIVATE UT_GST_PLUGIN="$<TARGET_FILE:gstundertone>")
add_dependencies(test_gst_separate gstundertone)

# The tools of GStreamer are not built with a sanitizer, and cannot load what is.
if(NOT UT_SANITIZE)
    add_test(NAME gst_separate COMMAND "${CMAKE_SOURCE_DIR}/tests/integration/gst_separate.sh"
        $<TARGET_FILE:undertone>)
    set_tests_properties(gst_separate PROPERTIES LABELS gstreamer TIMEOUT 120 ENVIRONMENT
        "GST_PLUGIN_PATH=${CMAKE_BINARY_DIR}/gstreamer-1.0;GST_REGISTRY=${CMAKE_BINARY_DIR}/gstreamer-1.0/registry.bin")
endif()
