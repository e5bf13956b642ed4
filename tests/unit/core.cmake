foreach(name status clock file dsp config nomem)
    ut_test(test_${name} SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_${name}.c" LINK ut_core LABELS core)
endforeach()
# Allocations that fail on purpose: tests/unit/nomem.h.
add_library(ut_nomem STATIC "${CMAKE_SOURCE_DIR}/tests/unit/nomem.c")
target_link_libraries(ut_nomem PUBLIC ut_settings PkgConfig::cmocka)
target_link_options(ut_nomem INTERFACE "LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray"
    "LINKER:--wrap=aligned_alloc,--wrap=strdup,--wrap=strndup")
target_link_libraries(test_nomem PRIVATE ut_nomem)
ut_test(test_cli SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_cli.c" LINK ut_cli LABELS core)
ut_test(test_core_threads SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_core_threads.c" LINK ut_core LABELS core)
