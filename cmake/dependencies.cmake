# Third-party libraries of the native build, each from a Debian package.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
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
