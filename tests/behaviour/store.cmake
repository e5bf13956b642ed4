# One suite for every backend of db/store.h.
add_library(store_fixture STATIC "${CMAKE_SOURCE_DIR}/tests/behaviour/store_fixture.c")
target_link_libraries(store_fixture PUBLIC ut_db PkgConfig::pq PkgConfig::cmocka)

foreach(part catalogue air airings instance review shared sqlite)
    ut_test(test_store_${part} SOURCES "${CMAKE_SOURCE_DIR}/tests/behaviour/test_store_${part}.c"
        LINK store_fixture LABELS behaviour TIMEOUT 300)
endforeach()

foreach(part postgres faults)
    add_executable(test_store_${part} "${CMAKE_SOURCE_DIR}/tests/behaviour/test_store_${part}.c"
        "${CMAKE_SOURCE_DIR}/tests/behaviour/store_server.c")
    target_link_libraries(test_store_${part} PRIVATE store_fixture)
    target_compile_definitions(test_store_${part} PRIVATE UT_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
endforeach()

# The same programs over PostgreSQL, each beside a server of its own.
function(ut_postgres_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
    add_test(NAME ${name} COMMAND "${CMAKE_SOURCE_DIR}/tests/with-postgres" ${arg_COMMAND})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT "${arg_TIMEOUT}" SKIP_RETURN_CODE 77)
endfunction()
foreach(part catalogue air review shared instance airings postgres faults)
    ut_postgres_test(postgres_store_${part} COMMAND $<TARGET_FILE:test_store_${part}> LABELS behaviour TIMEOUT 300)
endforeach()
