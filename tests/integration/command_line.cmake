add_test(NAME command_line COMMAND "${CMAKE_SOURCE_DIR}/tests/integration/command_line.sh" $<TARGET_FILE:undertone>)
set_tests_properties(command_line PROPERTIES LABELS "integration" TIMEOUT 120)
