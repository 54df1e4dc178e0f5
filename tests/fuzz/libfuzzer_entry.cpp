#include "fuzz_target.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::ignore = netcompute::fuzz::try_input(std::as_bytes(std::span{data, size}));
    return 0;
}
