#include <netcompute/printable.hpp>
#include <netcompute/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace netcompute {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};

/// What Unicode has and nobody sees, or what commands the terminal that shows it: categories Cc,
/// Zl and Zp, and those of Cf that have no form of their own.
constexpr std::array<Range, 11> unprintable{{
    {0x00, 0x1F},      // C0 controls
    {0x7F, 0x9F},      // DEL and the C1 controls
    {0xAD, 0xAD},      // soft hyphen
    {0x61C, 0x61C},    // Arabic letter mark, one of direction
    {0x180E, 0x180E},  // Mongolian vowel separator
    {0x200B, 0x200F},  // zero widths, marks of direction
    {0x2028, 0x202E},  // separators of lines and paragraphs; embeddings and overrides of direction
    {0x2060, 0x206F},  // joiners, isolates of direction, invisible operators
    {0xFEFF, 0xFEFF},  // byte order mark
    {0xFFF9, 0xFFFB},  // annotations
    {0xE0000, 0xE0FFF},  // tags, and variations that carry hidden text
}};

bool is_printable(char32_t character) {
    return std::none_of(unprintable.begin(), unprintable.end(), [character](const Range& range) {
        return character >= range.first && character <= range.last;
    });
}

/// `bytes` are one character of valid UTF-8.
char32_t code_point(std::string_view bytes) {
    constexpr std::array<unsigned char, 5> lead_bits{0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t character = static_cast<unsigned char>(bytes[0]) & lead_bits[bytes.size()];
    for (const char byte : bytes.substr(1)) {
        character = character << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    return character;
}

std::string escape(char kind, std::uint32_t value, int digits) {
    std::string text{'\\', kind};
    for (int digit = digits - 1; digit >= 0; --digit) {
        text += "0123456789abcdef"[value >> (4 * digit) & 15U];
    }
    return text;
}

/// One character as it is shown, and takes it off the front of `text`.
std::string next_shown(std::string_view& text) {
    const std::size_t size = utf8_character_size(text);
    const std::string_view bytes = text.substr(0, std::max<std::size_t>(size, 1));
    text.remove_prefix(bytes.size());
    if (size == 0) return escape('x', static_cast<unsigned char>(bytes[0]), 2);
    const char32_t character = code_point(bytes);
    if (is_printable(character)) return std::string{bytes};
    if (character < 0x80) return escape('x', character, 2);
    return character < 0x10000 ? escape('u', character, 4) : escape('U', character, 8);
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
    constexpr std::string_view more = "…";
    std::string shown;
    std::size_t fits = 0;  // Of what is shown, so much leaves room for "more".
    while (!text.empty()) {
        const std::string next = next_shown(text);
        if (shown.size() + next.size() > bytes_max) {
            shown.resize(fits);
            if (more.size() <= bytes_max) shown += more;
            break;
        }
        shown += next;
        if (shown.size() + more.size() <= bytes_max) fits = shown.size();
    }
    return shown;
}

}  // namespace netcompute
