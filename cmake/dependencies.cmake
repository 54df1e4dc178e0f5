# Third-party libraries of the native build, each from a Debian package. The small ones become part
# of the programs, so that a worker built here runs where only the C++ library is: no two
# distributions ship them alike. Builds with sanitizers, which run where they were built, take
# libzmq as it comes: ThreadSanitizer is told by that name what to leave alone.
find_package(Threads REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

# Asio and Beast are compiled once, here; everyone else sees declarations only.
add_library(netcompute_boost STATIC ${CMAKE_SOURCE_DIR}/cmake/boost_implementation.cpp)
target_compile_features(netcompute_boost PUBLIC cxx_std_20)
target_compile_definitions(netcompute_boost PUBLIC
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY)
target_link_libraries(netcompute_boost PUBLIC Threads::Threads)

# netcompute_link_archives(TARGET SHARED NAME...): links lib<NAME>.a for each name, or the shared
# library where a distribution does not have all of them; <TARGET>_has_archives tells which.
function(netcompute_link_archives target shared)
    set(archives "")
    foreach(name ${ARGN})
        find_library(NETCOMPUTE_${name}_ARCHIVE lib${name}.a)
        if(NOT NETCOMPUTE_${name}_ARCHIVE)
            message(STATUS "No lib${name}.a: the programs need ${shared} where they run")
            target_link_libraries(${target} INTERFACE ${shared})
            set(${target}_has_archives OFF PARENT_SCOPE)
            return()
        endif()
        list(APPEND archives "${NETCOMPUTE_${name}_ARCHIVE}")
    endforeach()
    target_link_libraries(${target} INTERFACE ${archives})
    set(${target}_has_archives ON PARENT_SCOPE)
endfunction()

add_library(netcompute_crypto INTERFACE)
netcompute_link_archives(netcompute_crypto crypto crypto)
target_link_libraries(netcompute_crypto INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

# What compressed tables are unpacked with.
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
add_library(netcompute_z INTERFACE)
netcompute_link_archives(netcompute_z PkgConfig::ZLIB z)
add_library(netcompute_zstd INTERFACE)
netcompute_link_archives(netcompute_zstd PkgConfig::ZSTD zstd)
add_library(netcompute_archives INTERFACE)
target_link_libraries(netcompute_archives INTERFACE netcompute_z netcompute_zstd)

add_library(netcompute_fmt STATIC ${CMAKE_SOURCE_DIR}/cmake/fmt_implementation.cpp)
add_library(netcompute_spdlog STATIC ${CMAKE_SOURCE_DIR}/cmake/spdlog_implementation.cpp)
target_compile_definitions(netcompute_spdlog PUBLIC SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)
target_link_libraries(netcompute_spdlog PUBLIC netcompute_fmt Threads::Threads)

add_library(netcompute_zmq INTERFACE)
if(NETCOMPUTE_SANITIZE)
    target_link_libraries(netcompute_zmq INTERFACE PkgConfig::ZMQ)
else()
    # As libzmq3-dev brings them.
    netcompute_link_archives(netcompute_zmq PkgConfig::ZMQ zmq pgm norm protokit sodium bsd md)
    if(netcompute_zmq_has_archives)
        add_library(netcompute_no_gssapi STATIC ${CMAKE_SOURCE_DIR}/cmake/gssapi_unavailable.cpp)
        target_link_libraries(netcompute_zmq INTERFACE netcompute_no_gssapi Threads::Threads)
    endif()
endif()
