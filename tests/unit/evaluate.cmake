ut_test(test_evaluate SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/test_evaluate.c LINK ut_evaluate)
ut_test(test_parallel SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/test_parallel.c LINK ut_parallel LABELS threads)
