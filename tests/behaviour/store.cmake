# One suite for every backend of db/store.h.
add_library(store_fixture STATIC "${CMAKE_SOURCE_DIR}/tests/behaviour/store_fixture.c")
target_link_libraries(store_fixture PUBLIC ut_db PkgConfig::cmocka)

foreach(part catalogue air airings instance review shared sqlite)
    ut_test(test_store_${part} SOURCES "${CMAKE_SOURCE_DIR}/tests/behaviour/test_store_${part}.c"
        LINK store_fixture LABELS behaviour TIMEOUT 300)
endforeach()
