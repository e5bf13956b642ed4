add_test(NAME explain
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/explain.py" --undertone $<TARGET_FILE:undertone>)
set_tests_properties(explain PROPERTIES LABELS integration TIMEOUT 300)
add_test(NAME false_alarms
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/false_alarms.py" --undertone $<TARGET_FILE:undertone>)
set_tests_properties(false_alarms PROPERTIES LABELS integration TIMEOUT 300)
add_test(NAME peers
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/peers.py" --undertone $<TARGET_FILE:undertone>)
set_tests_properties(peers PROPERTIES LABELS integration TIMEOUT 300)
