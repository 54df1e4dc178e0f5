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
