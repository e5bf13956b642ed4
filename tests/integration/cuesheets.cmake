add_executable(air_store "${CMAKE_SOURCE_DIR}/tests/integration/air_store.c")
target_link_libraries(air_store PRIVATE ut_settings ut_db)

foreach(name programmes sheets report archive)
    add_test(NAME ${name} COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/${name}.py"
        $<TARGET_FILE:undertone> $<TARGET_FILE:air_store> "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT 120)
endforeach()

add_test(NAME announced COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/announced.py" $<TARGET_FILE:undertone>)
set_tests_properties(announced PROPERTIES LABELS "integration;capture" TIMEOUT 300)
