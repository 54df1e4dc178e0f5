#include "data/utf8.hpp"

#include <netcompute/utf8.hpp>

#include <cstdint>
#include <cstring>

namespace netcompute::data {
namespace {

bool is_ascii(std::string_view text) {
    constexpr std::uint64_t high_bits = 0x8080808080808080U;
    std::uint64_t seen = 0;
    std::size_t at = 0;
    for (; at + sizeof seen <= text.size(); at += sizeof seen) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        seen |= word;
    }
    for (; at < text.size(); ++at) seen |= static_cast<unsigned char>(text[at]);
    return (seen & high_bits) == 0;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
    if (is_ascii(text)) return std::string_view::npos;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = utf8_character_size(text.substr(at));
        if (size == 0) return at;
        at += size;
    }
    return std::string_view::npos;
}

}  // namespace netcompute::data
