# What every target of ours is compiled with. Third-party headers come in as SYSTEM.
add_library(netcompute_options INTERFACE)
target_compile_features(netcompute_options INTERFACE cxx_std_20)
target_compile_options(netcompute_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
    -Wold-style-cast -Wcast-align -Woverloaded-virtual -Wnull-dereference -Werror
    # Results are compared by hash on every worker kind: no build may fuse a multiply and an add.
    -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports these inside its own standard library, at -O2 and above.
    target_compile_options(netcompute_options INTERFACE
        -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds
        -Wno-stringop-overflow -Wno-stringop-overread)
endif()
set(NETCOMPUTE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them; empty for none")
option(NETCOMPUTE_FUZZ "Let libFuzzer look into everything, and build the fuzz targets with it" OFF)
if(NETCOMPUTE_SANITIZE)
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
endif()
if(NETCOMPUTE_FUZZ)
    target_compile_options(netcompute_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
