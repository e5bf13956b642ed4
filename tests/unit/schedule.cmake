ut_test(test_zone SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_zone.c" LINK ut_core LABELS unit)
ut_test(test_schedule SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_schedule.c" LINK ut_schedule LABELS unit)
ut_test(test_eit SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_eit.c" LINK ut_schedule LABELS unit)
