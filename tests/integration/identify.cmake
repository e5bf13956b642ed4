ut_test(test_identify SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/test_identify.c
    LINK ut_evaluate ut_separate ut_test_models PkgConfig::jansson TIMEOUT 300)
target_compile_definitions(test_identify PRIVATE UNDERTONE="$<TARGET_FILE:undertone>")
add_dependencies(test_identify undertone)
