ut_test(test_audit SOURCES "${CMAKE_SOURCE_DIR}/tests/integration/test_audit.c"
    "${CMAKE_SOURCE_DIR}/tests/integration/audit_day.c"
    LINK ut_db ut_audit PkgConfig::jansson LABELS cuesheet TIMEOUT 120)
target_compile_definitions(test_audit PRIVATE UT_PROGRAM="$<TARGET_FILE:undertone>"
    UT_SCHEMAS="${CMAKE_SOURCE_DIR}/configs/schemas")
add_dependencies(test_audit undertone)
