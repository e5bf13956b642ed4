# Twenty-four minutes over eight channels, killed ten times; the whole day is tests/integration/soak.py --hours 24.
add_test(NAME replay_killed
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/soak.py" --undertone $<TARGET_FILE:undertone>
        --hours 0.4 --kills 10)
set_tests_properties(replay_killed PROPERTIES LABELS integration TIMEOUT 900)

# Forty seconds at the speed of the clock, then the same audio replayed.
add_test(NAME run_equals_replay
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/live.py" --undertone $<TARGET_FILE:undertone>
        --seconds 40)
set_tests_properties(run_equals_replay PROPERTIES LABELS integration TIMEOUT 600)

# Seventy seconds at the speed of the clock, beside a server that is killed and comes back.
ut_postgres_test(run_on_postgres_faults
    COMMAND /usr/bin/python3 "${CMAKE_SOURCE_DIR}/tests/integration/live_postgres.py" --undertone $<TARGET_FILE:undertone>
    LABELS integration TIMEOUT 300)
