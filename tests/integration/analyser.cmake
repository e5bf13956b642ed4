ut_test(test_analyser SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/test_analyser.c
    LINK ut_evaluate ut_pipeline ut_test_models TIMEOUT 600)
