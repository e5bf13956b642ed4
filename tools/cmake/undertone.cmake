# Compile settings for every target of ours, and the helpers that declare libraries and tests.

add_library(ut_settings INTERFACE)
target_compile_features(ut_settings INTERFACE c_std_11)
target_compile_definitions(ut_settings INTERFACE _GNU_SOURCE UT_VERSION="${PROJECT_VERSION}")
target_compile_options(ut_settings INTERFACE
    -Wall -Wextra -Wundef -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
    -Wwrite-strings -fno-common $<$<BOOL:${UT_WERROR}>:-Werror>)
target_include_directories(ut_settings INTERFACE "${PROJECT_SOURCE_DIR}")
target_link_libraries(ut_settings INTERFACE m)
if(UT_SANITIZE)
    target_compile_options(ut_settings INTERFACE -fsanitize=${UT_SANITIZE} -fno-omit-frame-pointer
        $<$<BOOL:${UT_FUZZ}>:-fsanitize=fuzzer-no-link>)
    target_link_options(ut_settings INTERFACE -fsanitize=${UT_SANITIZE})
endif()

# ut_library(NAME SOURCES a.c … LINK lib …): a static library of ours.
function(ut_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC ut_settings ${arg_LINK})
endfunction()

# ut_test(NAME SOURCES a.c … LINK lib … [LABELS l …] [TIMEOUT s]): a cmocka test program, run by ctest.
function(ut_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ut_settings ${arg_LINK} PkgConfig::cmocka)
    target_compile_definitions(${name} PRIVATE UT_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
    if(arg_TIMEOUT)
        set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
    endif()
endfunction()

# ut_fuzzer(NAME SOURCES a.c LINK lib …): a libFuzzer target over tests/fuzz/corpus/NAME; run briefly by ctest.
function(ut_fuzzer name)
    if(NOT UT_FUZZ)
        return()
    endif()
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ut_settings ${arg_LINK})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    if(NOT TARGET fuzzers)
        add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers ${name})
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz/${name}")
    add_test(NAME ${name} COMMAND ${name} -max_total_time=20 -rss_limit_mb=2048 -timeout=10
        "${CMAKE_BINARY_DIR}/fuzz/${name}" "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
endfunction()
