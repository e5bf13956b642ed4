add_test(NAME unknown
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/unknown.py" --undertone $<TARGET_FILE:undertone>)
set_tests_properties(unknown PROPERTIES LABELS integration TIMEOUT 300)
