# build/web/wasm: the kernels and the agent by em++, and the JavaScript that loads the kernels. A
# build of its own, since a CMake build has one compiler.
include(ExternalProject)

find_program(NETCOMPUTE_EMXX em++)
if(NOT NETCOMPUTE_EMXX)
    message(FATAL_ERROR "em++ is not there: install the Debian package `emscripten`, "
        "which builds the kernels for browsers")
endif()
file(MAKE_DIRECTORY "${NETCOMPUTE_WEB_DIR}/wasm")
ExternalProject_Add(netcompute_wasm
    SOURCE_DIR "${CMAKE_SOURCE_DIR}"
    BINARY_DIR "${CMAKE_BINARY_DIR}/wasm"
    # em++ looks for Debian's `acorn` even where Node itself is not Debian's.
    CMAKE_COMMAND "${CMAKE_COMMAND}" -E env NODE_PATH=/usr/share/nodejs "${CMAKE_COMMAND}"
    CMAKE_ARGS
        -DCMAKE_TOOLCHAIN_FILE=${CMAKE_SOURCE_DIR}/cmake/wasm-toolchain.cmake
        -DCMAKE_BUILD_TYPE=Release
        -DCMAKE_UNITY_BUILD=${CMAKE_UNITY_BUILD}
    BUILD_COMMAND "${CMAKE_COMMAND}" -E env NODE_PATH=/usr/share/nodejs
        "${CMAKE_COMMAND}" --build <BINARY_DIR>
    INSTALL_COMMAND "${CMAKE_COMMAND}" -E copy_if_different
        <BINARY_DIR>/bin/netcompute_kernels.js <BINARY_DIR>/bin/netcompute_kernels.wasm
        <BINARY_DIR>/bin/netcompute_agent.js <BINARY_DIR>/bin/netcompute_agent.wasm
        "${CMAKE_SOURCE_DIR}/wasm-worker/kernels.js"
        "${NETCOMPUTE_WEB_DIR}/wasm/"
    BUILD_ALWAYS ON
    USES_TERMINAL_BUILD ON)
