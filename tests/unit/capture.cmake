foreach(name backoff timeline ts_watch capture_ring truncation convert)
    ut_test(test_${name} SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_${name}.c" LINK ut_capture LABELS capture)
endforeach()
set_property(TEST test_capture_ring APPEND PROPERTY LABELS threads)
