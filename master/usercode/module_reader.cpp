#include "usercode/module_reader.hpp"

#include "data/utf8.hpp"

#include <array>
#include <cstdio>

namespace netcompute::usercode {

bool ModuleReader::refuse(const std::string& why) {
    return refuse_at(offset(), why);
}

bool ModuleReader::refuse_at(std::size_t offset, const std::string& why) {
    if (failed()) return false;
    std::array<char, 32> place{};
    std::snprintf(place.data(), place.size(), "at byte 0x%zx: ", offset);
    failure_ = place.data() + why;
    return false;
}

std::uint8_t ModuleReader::byte() {
    if (failed()) return 0;
    if (at_end()) {
        refuse("it ends in the middle");
        return 0;
    }
    return static_cast<std::uint8_t>(bytes_[at_++]);
}

std::uint8_t ModuleReader::peek() {
    if (failed() || at_end()) return 0;
    return static_cast<std::uint8_t>(bytes_[at_]);
}

std::uint64_t ModuleReader::unsigned_number(int bits) {
    std::uint64_t number = 0;
    for (int shift = 0;; shift += 7) {
        const std::uint8_t each = byte();
        if (failed()) return 0;
        const int left = bits - shift;
        if (left < 7 && ((each & 0x80) != 0 || (each & 0x7f) >> left != 0)) {
            refuse("a number has more than " + std::to_string(bits) + " bits");
            return 0;
        }
        number |= std::uint64_t{each & 0x7fU} << shift;
        if ((each & 0x80) == 0) return number;
    }
}

std::int64_t ModuleReader::signed_number(int bits) {
    std::uint64_t number = 0;
    for (int shift = 0;; shift += 7) {
        const std::uint8_t each = byte();
        if (failed()) return 0;
        const int left = bits - shift;
        if (left < 7) {
            // What lies beyond the bits must repeat the sign.
            const unsigned rest = (each & 0x7fU) >> (left - 1);
            const unsigned all = 0x7fU >> (left - 1);
            if ((each & 0x80) != 0 || (rest != 0 && rest != all)) {
                refuse("a number has more than " + std::to_string(bits) + " bits");
                return 0;
            }
        }
        number |= std::uint64_t{each & 0x7fU} << shift;
        if ((each & 0x80) != 0) continue;
        if ((each & 0x40) != 0 && shift + 7 < 64) number |= ~std::uint64_t{0} << (shift + 7);
        return static_cast<std::int64_t>(number);
    }
}

std::uint32_t ModuleReader::u32() {
    return static_cast<std::uint32_t>(unsigned_number(32));
}

std::int32_t ModuleReader::s32() {
    return static_cast<std::int32_t>(signed_number(32));
}

std::int64_t ModuleReader::s64() {
    return signed_number(64);
}

std::int64_t ModuleReader::s33() {
    return signed_number(33);
}

std::uint32_t ModuleReader::count(std::uint32_t most, const char* what) {
    const std::size_t place = offset();
    const std::uint32_t number = u32();
    if (failed()) return 0;
    if (number > most) {
        refuse_at(place, std::to_string(number) + " " + what + "; at most " + std::to_string(most) +
                             " are taken");
        return 0;
    }
    if (number > left()) {
        refuse_at(place, std::to_string(number) + " " + what + " do not fit into what follows");
        return 0;
    }
    return number;
}

ByteSpan ModuleReader::bytes(std::size_t size) {
    if (failed()) return {};
    if (size > left()) {
        refuse("it ends in the middle");
        return {};
    }
    const ByteSpan found = bytes_.subspan(at_, size);
    at_ += size;
    return found;
}

std::string ModuleReader::name() {
    const std::size_t place = offset();
    const std::string text{as_text(bytes(count(100'000, "bytes of a name")))};
    if (!failed() && data::find_invalid_utf8(text) != std::string_view::npos)
        refuse_at(place, "a name is not UTF-8");
    return failed() ? std::string{} : text;
}

ModuleReader ModuleReader::part(std::size_t size) {
    const std::size_t begin = offset();
    ModuleReader reader{bytes(size), begin};
    return reader;
}

void append_unsigned(Bytes& to, std::uint64_t number) {
    do {
        const std::uint64_t low = number & 0x7f;
        number >>= 7;
        to.push_back(static_cast<std::byte>(low | (number != 0 ? 0x80 : 0)));
    } while (number != 0);
}

void append_signed(Bytes& to, std::int64_t number) {
    for (;;) {
        const auto low = static_cast<std::uint8_t>(number & 0x7f);
        number >>= 7;
        const bool is_last = (number == 0 && (low & 0x40) == 0) || (number == -1 && (low & 0x40));
        to.push_back(static_cast<std::byte>(is_last ? low : low | 0x80));
        if (is_last) return;
    }
}

void append(Bytes& to, ByteSpan bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

void append(Bytes& to, std::initializer_list<unsigned> bytes) {
    for (const unsigned each : bytes) to.push_back(static_cast<std::byte>(each));
}

void append_name(Bytes& to, std::string_view name) {
    append_unsigned(to, name.size());
    append(to, as_byte_span(name));
}

void append_section(Bytes& to, std::uint8_t id, const Bytes& content) {
    append(to, {id});
    append_unsigned(to, content.size());
    append(to, content);
}

}  // namespace netcompute::usercode
