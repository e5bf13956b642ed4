add_test(NAME catalogue COMMAND "${CMAKE_SOURCE_DIR}/tests/behaviour/catalogue.sh" $<TARGET_FILE:undertone>)
set_tests_properties(catalogue PROPERTIES LABELS behaviour TIMEOUT 300)
