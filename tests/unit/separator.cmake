add_library(ut_test_models STATIC "${CMAKE_SOURCE_DIR}/tests/unit/model_maker.c")
target_link_libraries(ut_test_models PUBLIC ut_separator PkgConfig::jansson)
