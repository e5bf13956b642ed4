# The library of cuda/ with the CPU for a device: every kernel's source, run by the tests through the real backend.
ut_test(test_batcher SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_batcher.c" LINK ut_separator)
if(NOT UT_FUZZ)
    enable_language(CXX)
    include("${CMAKE_SOURCE_DIR}/cuda/sources.cmake")
    list(TRANSFORM UTC_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/cuda/")
    set_source_files_properties(${UTC_SOURCES} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
    # A second time with a kernel's threads in the opposite order, which what they do between two syncs must
    # not depend on.
    foreach(order host reversed)
        set(library undertone_cuda_${order})
        add_library(${library} MODULE ${UTC_SOURCES} "${CMAKE_SOURCE_DIR}/cuda/runtime_host.cc")
        target_compile_features(${library} PRIVATE cxx_std_17)
        target_include_directories(${library} PRIVATE "${CMAKE_SOURCE_DIR}")
        target_compile_definitions(${library} PRIVATE UTC_REVERSED=$<STREQUAL:${order},reversed>)
        # A loop over every thread of a kernel: optimised whatever the build, or the tests take minutes.
        target_compile_options(${library} PRIVATE -O2 -Wall -Wextra -fno-exceptions -fno-rtti -ffp-contract=off
            $<$<BOOL:${UT_WERROR}>:-Werror>)
        set_target_properties(${library} PROPERTIES CXX_VISIBILITY_PRESET hidden)
        if(UT_SANITIZE)
            target_compile_options(${library} PRIVATE -fsanitize=${UT_SANITIZE} -fno-sanitize=vptr)
            target_link_options(${library} PRIVATE -fsanitize=${UT_SANITIZE})
        endif()
    endforeach()

    # Libraries that a program must refuse.
    foreach(fault NO_SYMBOL OTHER_ABI OLD_DRIVER)
        add_library(undertone_cuda_${fault} MODULE "${CMAKE_SOURCE_DIR}/tests/unit/faulty_cuda.c")
        target_link_libraries(undertone_cuda_${fault} PRIVATE ut_settings)
        target_compile_definitions(undertone_cuda_${fault} PRIVATE FAULT_${fault}=1)
        list(APPEND faults FAULT_${fault}="$<TARGET_FILE:undertone_cuda_${fault}>")
    endforeach()

    foreach(test separator_cuda separator_cuda_faults separator_cuda_shapes cuda_fingerprint)
        ut_test(test_${test} SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/test_${test}.c" LINK ut_test_models ut_fingerprint)
        target_compile_definitions(test_${test} PRIVATE UT_CUDA_HOST="$<TARGET_FILE:undertone_cuda_host>" ${faults})
        add_dependencies(test_${test} undertone_cuda_host undertone_cuda_NO_SYMBOL undertone_cuda_OTHER_ABI
            undertone_cuda_OLD_DRIVER)
    endforeach()

    if(NOT UT_SANITIZE)
        foreach(test separator_cuda separator_cuda_shapes cuda_fingerprint)
            add_test(NAME test_${test}_reversed COMMAND test_${test})
            set_tests_properties(test_${test}_reversed PROPERTIES
                ENVIRONMENT "UT_CUDA_LIBRARY=$<TARGET_FILE:undertone_cuda_reversed>")
            add_dependencies(test_${test} undertone_cuda_reversed)
        endforeach()
    endif()

    # What tools/gpu-verify runs on a device: here on small networks, without timing.
    add_executable(verify_cuda "${CMAKE_SOURCE_DIR}/tests/bench/verify_cuda.c")
    target_link_libraries(verify_cuda PRIVATE ut_settings ut_test_models ut_fingerprint PkgConfig::jansson)
    add_test(NAME verify_cuda COMMAND verify_cuda --quick
        "${CMAKE_SOURCE_DIR}/tests/golden/separator/tiny-wave.safetensors"
        "${CMAKE_SOURCE_DIR}/tests/golden/separator/tiny-unet.safetensors")
    set_tests_properties(verify_cuda PROPERTIES ENVIRONMENT "UT_CUDA_LIBRARY=$<TARGET_FILE:undertone_cuda_host>")

    add_test(NAME gpu_tools COMMAND "${CMAKE_SOURCE_DIR}/tests/integration/gpu_tools.sh" $<TARGET_FILE:verify_cuda>
        $<TARGET_FILE:undertone_cuda_host>)
    add_test(NAME cuda_command_line COMMAND "${CMAKE_SOURCE_DIR}/tests/integration/cuda.sh" $<TARGET_FILE:undertone>
        $<TARGET_FILE:undertone_cuda_host> $<TARGET_FILE:undertone_cuda_OLD_DRIVER>)
endif()
