add_test(NAME unknown
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/unknown.py" --undertone $<TARGET_FILE:undertone>)
# Two channels of a made-up day against its truth: docs/benchmarks/day.md.
add_test(NAME made_day COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/day/day.py"
    --undertone $<TARGET_FILE:undertone> --minutes 24 --channels 2 --gaps 1 --unknown 2 --levels -3 -6 --seed 29 --check)
set_tests_properties(made_day PROPERTIES LABELS integration TIMEOUT 900)
set_tests_properties(unknown PROPERTIES LABELS integration TIMEOUT 300)
