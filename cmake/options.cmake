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
