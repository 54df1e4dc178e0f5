# What builds with sanitizers do differently.
target_compile_options(netcompute_options INTERFACE
    -fsanitize=${NETCOMPUTE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
target_link_options(netcompute_options INTERFACE -fsanitize=${NETCOMPUTE_SANITIZE})
if(NETCOMPUTE_FUZZ)
    target_compile_options(netcompute_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Its mark before each function has no place where clang 14 splits a coroutine in parts.
    target_compile_options(netcompute_options INTERFACE -fno-sanitize=function)
elseif(NETCOMPUTE_SANITIZE MATCHES "thread")
    # Asio has fences, which g++'s ThreadSanitizer does not follow and says so.
    target_compile_options(netcompute_options INTERFACE -Wno-tsan)
endif()

# They are built once and run once, so most of them is not optimised: that would take longer than it
# saves. These are, which compute or decode all the time.
foreach(target
        netcompute_base netcompute_kernels netcompute_programs netcompute_protocol netcompute_core
        netcompute_data netcompute_executor netcompute_store netcompute_net netcompute_jobs
        netcompute_engine netcompute_worker)
    target_compile_options(${target} PRIVATE -O1)
endforeach()
if(NETCOMPUTE_TESTS)
    target_compile_options(sim_test PRIVATE -O1)
    target_compile_options(netcompute_memory_job_store PRIVATE -O1)
endif()

# netcompute_compile_alone(TARGET FILE...): files, named from the source folder, that cannot share a
# unity build (CMAKE_UNITY_BUILD: several files of a target are compiled as one, in half the time).
# The release build compiles each alone, and so finds what a file forgot to include.
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
    set_target_properties(netcompute_jobs PROPERTIES UNITY_BUILD OFF)
    netcompute_compile_alone(netcompute_engine master/engine/receipt_reader.cpp)
    netcompute_compile_alone(netcompute_protocol shared/src/protocol/payload.cpp)
    if(NETCOMPUTE_TESTS)
        set_target_properties(kernels_test PROPERTIES UNITY_BUILD OFF)
        netcompute_compile_alone(sim_test tests/sim/main.cpp tests/sim/simulated_users.cpp)
        netcompute_compile_alone(store_test tests/unit/store/disk_faults_test.cpp)
    endif()
endif()
