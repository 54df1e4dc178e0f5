# The pages that the master serves: build/web holds web/ as it is, and the WebAssembly build.
set(NETCOMPUTE_WEB_DIR "${CMAKE_BINARY_DIR}/web")
if(NOT NETCOMPUTE_SANITIZE)  # They look at native code alone.
    include(${CMAKE_CURRENT_LIST_DIR}/wasm.cmake)
endif()

file(GLOB_RECURSE NETCOMPUTE_WEB_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/*)
add_custom_command(
    OUTPUT ${CMAKE_BINARY_DIR}/web.stamp
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${CMAKE_SOURCE_DIR}/web ${NETCOMPUTE_WEB_DIR}
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/web.stamp
    DEPENDS ${NETCOMPUTE_WEB_FILES}
    VERBATIM)
add_custom_target(netcompute_web ALL DEPENDS ${CMAKE_BINARY_DIR}/web.stamp)
