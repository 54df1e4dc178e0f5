# Builds with sanitizers compile several files of a target as one (CMAKE_UNITY_BUILD), which takes
# half the time. The release build compiles each alone, and so finds what a file forgot to include.

# netcompute_compile_alone(TARGET FILE...): files, named from the source folder, that cannot share.
function(netcompute_compile_alone target)
    list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/)
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target}
        PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

if(CMAKE_UNITY_BUILD)
    # What names of one file hide in another is of no interest.
    target_compile_options(netcompute_options INTERFACE -Wno-shadow)
    # Highway compiles a file again for each instruction set, by including it.
    set_target_properties(netcompute_kernels PROPERTIES UNITY_BUILD OFF)
    # Files of one pattern, which give the same names to the same parts.
    set_target_properties(netcompute_programs PROPERTIES UNITY_BUILD OFF)
    netcompute_compile_alone(netcompute_engine
        master/engine/job_types/monte_carlo_pi.cpp
        master/engine/job_types/noop.cpp
        master/engine/job_types/predict.cpp
        master/engine/job_types/train.cpp
        master/engine/param_reader.cpp)
    netcompute_compile_alone(netcompute_protocol shared/src/protocol/payload.cpp)
    if(NETCOMPUTE_TESTS)
        set_target_properties(kernels_test PROPERTIES UNITY_BUILD OFF)
        netcompute_compile_alone(sim_test tests/sim/main.cpp)
    endif()
endif()
