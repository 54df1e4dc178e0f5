# Emscripten as Debian installs it, with its system libraries built: nothing is written outside
# the build. em++ asks for `acorn`; where Node is not Debian's, NODE_PATH=/usr/share/nodejs shows it
# (cmake/wasm.cmake sets that).
set(NETCOMPUTE_EMSCRIPTEN_ROOT "/usr/share/emscripten" CACHE PATH "Where Emscripten is installed")
set(toolchain "${NETCOMPUTE_EMSCRIPTEN_ROOT}/cmake/Modules/Platform/Emscripten.cmake")
if(NOT EXISTS "${toolchain}")
    message(FATAL_ERROR "Emscripten is not at ${NETCOMPUTE_EMSCRIPTEN_ROOT}: install the Debian "
        "package `emscripten`, or say where it is with -DNETCOMPUTE_EMSCRIPTEN_ROOT=FOLDER")
endif()
include("${toolchain}")
