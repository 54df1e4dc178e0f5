# A unity build (CMAKE_UNITY_BUILD) compiles several files of a target as one, in less time. The
# preset `debug` compiles each alone, and so finds what a file forgot to include.

# netcompute_compile_alone(TARGET [FILE...]): files, named from the source folder, that cannot share
# a batch; without any, all of the target's.
function(netcompute_compile_alone target)
    if(NOT TARGET ${target})
        return()
    endif()
    if(NOT ARGN)
        set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
        return()
    endif()
    list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/)
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target}
        PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# What names of one file hide in another is of no interest.
target_compile_options(netcompute_options INTERFACE -Wno-shadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # To g++ a file in a batch is a header, whose unnamed namespaces others could see.
    target_compile_options(netcompute_options INTERFACE -Wshadow=local -Wno-subobject-linkage)
endif()
# Highway compiles a file again for each instruction set, by including it.
file(GLOB kernels RELATIVE ${CMAKE_SOURCE_DIR} shared/src/kernels/*.cpp)
foreach(kernel ${kernels})
    file(STRINGS ${CMAKE_SOURCE_DIR}/${kernel} found REGEX "foreach_target\\.h" LIMIT_COUNT 1)
    if(found)
        netcompute_compile_alone(netcompute_kernels ${kernel})
    endif()
endforeach()
netcompute_compile_alone(kernels_test)
# Job types are files of one pattern, which give the same names to the same parts.
file(STRINGS ${CMAKE_SOURCE_DIR}/master/jobs/job_types.inc job_types REGEX "^NETCOMPUTE_JOB_TYPE")
set_property(DIRECTORY APPEND PROPERTY
    CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/master/jobs/job_types.inc)
foreach(line ${job_types})
    string(REGEX REPLACE ".*\\((.*)\\).*" "master/jobs/\\1.cpp" job_type "${line}")
    netcompute_compile_alone(netcompute_jobs ${job_type})
endforeach()
# To it `testing` is a namespace of ours.
netcompute_compile_alone(jobs_test
    tests/unit/jobs/job_types_test.cpp tests/unit/jobs/judging_test.cpp
    tests/unit/jobs/matmul_test.cpp)
netcompute_compile_alone(netcompute_engine master/engine/receipt_reader.cpp)
netcompute_compile_alone(netcompute_protocol shared/src/protocol/payload.cpp)
netcompute_compile_alone(sim_test tests/sim/main.cpp tests/sim/simulated_users.cpp)
netcompute_compile_alone(store_test tests/unit/store/disk_faults_test.cpp)
