# Real Apache Kafka. One broker serves all of these tests but those that stop brokers; it is fetched once (tools/kafka-fetch).
set(kafka "${CMAKE_SOURCE_DIR}/tests/integration/kafka")
set(broker "${CMAKE_BINARY_DIR}/kafka-broker")
add_test(NAME kafka_start COMMAND /usr/bin/python3 "${kafka}/broker.py" start "${broker}")
add_test(NAME kafka_stop COMMAND /usr/bin/python3 "${kafka}/broker.py" stop "${broker}")
set_tests_properties(kafka_start PROPERTIES FIXTURES_SETUP kafka LABELS "integration;kafka" TIMEOUT 400)
set_tests_properties(kafka_stop PROPERTIES FIXTURES_CLEANUP kafka LABELS "integration;kafka")
foreach(name events group workers)
    add_test(NAME kafka_${name} COMMAND /usr/bin/python3 "${kafka}/${name}.py" --undertone $<TARGET_FILE:undertone>
        --bootstrap "${broker}/bootstrap")
    set_tests_properties(kafka_${name} PROPERTIES FIXTURES_REQUIRED kafka LABELS "integration;kafka" TIMEOUT 300)
endforeach()

# Stops brokers, so it has three of its own.
add_test(NAME kafka_faults COMMAND /usr/bin/python3 "${kafka}/faults.py" --undertone $<TARGET_FILE:undertone>)
set_tests_properties(kafka_faults PROPERTIES LABELS "integration;kafka" TIMEOUT 600)

# A monitor between PostgreSQL and Kafka, under faults. Scaled down; the whole ones: network_faults.py.
foreach(fault postgres killed clock)
    ut_postgres_test(network_${fault} COMMAND /usr/bin/python3 "${kafka}/network_faults.py" ${fault}
        --undertone $<TARGET_FILE:undertone> --bootstrap "${broker}/bootstrap" LABELS "integration;kafka" TIMEOUT 600)
    set_tests_properties(network_${fault} PROPERTIES FIXTURES_REQUIRED kafka)
endforeach()
ut_postgres_test(network_broker COMMAND /usr/bin/python3 "${kafka}/network_faults.py" broker --undertone $<TARGET_FILE:undertone>
    LABELS "integration;kafka" TIMEOUT 600)
ut_postgres_test(network_cut COMMAND /usr/bin/python3 "${kafka}/network_cut.py" --undertone $<TARGET_FILE:undertone>
    LABELS "integration;kafka" TIMEOUT 600)
set_tests_properties(network_cut PROPERTIES ENVIRONMENT "UT_TEST_POSTGRES_SETTINGS=listen_addresses = '*'")
