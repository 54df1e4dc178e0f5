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
netcompute_compile_alone(netcompute_kernels)
netcompute_compile_alone(kernels_test)
# Files of one pattern, which give the same names to the same parts.
netcompute_compile_alone(netcompute_programs)
netcompute_compile_alone(netcompute_jobs)
netcompute_compile_alone(jobs_test)
netcompute_compile_alone(netcompute_engine master/engine/receipt_reader.cpp)
netcompute_compile_alone(netcompute_protocol shared/src/protocol/payload.cpp)
netcompute_compile_alone(sim_test tests/sim/main.cpp tests/sim/simulated_users.cpp)
netcompute_compile_alone(store_test tests/unit/store/disk_faults_test.cpp)
