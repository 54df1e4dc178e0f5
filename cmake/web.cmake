# The pages that the master serves: build/web holds web/ as it is, and the WebAssembly build.
set(NETCOMPUTE_WEB_DIR "${CMAKE_BINARY_DIR}/web")
include(${CMAKE_CURRENT_LIST_DIR}/wasm.cmake)
