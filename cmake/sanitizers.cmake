# What builds with sanitizers do differently.
target_compile_options(netcompute_options INTERFACE
    -fsanitize=${NETCOMPUTE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
target_link_options(netcompute_options INTERFACE -fsanitize=${NETCOMPUTE_SANITIZE})
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Its mark before each function has no place where clang 14 splits a coroutine in parts.
    target_compile_options(netcompute_options INTERFACE -fno-sanitize=function)
elseif(NETCOMPUTE_SANITIZE MATCHES "thread")
    # Asio has fences, which g++'s ThreadSanitizer does not follow and says so.
    target_compile_options(netcompute_options INTERFACE -Wno-tsan)
endif()

# With clang, Highway emulates vectors where g++'s builds have scalars: that takes longer to compile
# than all instruction sets together.
target_compile_definitions(netcompute_highway INTERFACE HWY_BROKEN_EMU128=1)
target_compile_definitions(netcompute_highway_targets PRIVATE HWY_BROKEN_EMU128=1)

# They are built once and run once, so most of them is not optimised: that would take longer than it
# saves. These are, which compute or decode all the time.
foreach(target
        netcompute_base netcompute_kernels netcompute_programs netcompute_protocol netcompute_core
        netcompute_data netcompute_executor netcompute_store netcompute_net netcompute_jobs
        netcompute_engine netcompute_worker)
    target_compile_options(${target} PRIVATE -O1)
endforeach()
foreach(target sim_test netcompute_memory_job_store)
    if(TARGET ${target})
        target_compile_options(${target} PRIVATE -O1)
    endif()
endforeach()
