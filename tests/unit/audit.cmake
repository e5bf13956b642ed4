ut_test(test_claim SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_claim.c" LINK ut_audit LABELS cuesheet)
ut_test(test_claim_xlsx SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_claim_xlsx.c" LINK ut_audit LABELS cuesheet)
ut_test(test_share SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_share.c" LINK ut_audit LABELS cuesheet)
ut_test(test_audit_nomem SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_audit_nomem.c" LINK ut_audit ut_nomem
    LABELS cuesheet)
