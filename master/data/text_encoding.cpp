#include "data/text_encoding.hpp"

#include <netcompute/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace netcompute::data {
namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 16;

constexpr std::array<std::string_view, 4> names{"utf-8", "utf-16le", "utf-16be", "windows-1252"};

/// Of 0x80 to 0x9F; the rest is Latin-1. Source: WHATWG Encoding Standard, index windows-1252.
constexpr std::array<char16_t, 32> windows_1252{
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

void append_utf8(std::string& text, std::uint32_t code) {
    const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
        add(code);
    } else if (code < 0x800) {
        add(0xC0 | (code >> 6U));
        add(0x80 | (code & 0x3FU));
    } else if (code < 0x10000) {
        add(0xE0 | (code >> 12U));
        add(0x80 | ((code >> 6U) & 0x3FU));
        add(0x80 | (code & 0x3FU));
    } else {
        add(0xF0 | (code >> 18U));
        add(0x80 | ((code >> 12U) & 0x3FU));
        add(0x80 | ((code >> 6U) & 0x3FU));
        add(0x80 | (code & 0x3FU));
    }
}

std::size_t first_beyond_ascii(std::span<const char> bytes) {
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        if ((word & 0x8080808080808080U) != 0) break;
    }
    while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) ++at;
    return at;
}

/// Whether of the bytes beyond ASCII more are no UTF-8 than are. `has_more`: the last character may
/// be cut off.
bool is_mostly_not_utf8(std::string_view text, bool has_more) {
    std::size_t good = 0;
    std::size_t bad = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0x80) {
            ++at;
            continue;
        }
        if (has_more && at + 4 > text.size()) break;
        const std::size_t size = utf8_character_size(text.substr(at));
        size == 0 ? ++bad : ++good;
        at += std::max<std::size_t>(size, 1);
    }
    return bad > good;
}

class Decoder final : public DecodedSource {
 public:
    Decoder(std::unique_ptr<CsvSource> source, std::optional<TextEncoding> given, std::string name)
        : source_{std::move(source)}, given_{given}, name_{std::move(name)} {}

    [[nodiscard]] TextEncoding encoding() const override {
        return known_.value_or(TextEncoding::Utf8);
    }

    Result<std::size_t> read(std::span<char> target) override {
        if (!has_begun_) {
            if (auto begun = begin(); !begun) return unexpected(begun.error());
        }
        for (;;) {
            if (given_out_ < ready_.size()) return give(target);
            if (known_ && *known_ != TextEncoding::Utf8) {
                if (auto more = convert_more(); !more) return unexpected(more.error());
                if (ready_.empty()) return std::size_t{0};
                continue;
            }
            const auto taken = source_->read(target);
            if (!taken || *taken == 0 || known_) return taken;
            const std::span<const char> bytes = target.first(*taken);
            const std::size_t ascii = first_beyond_ascii(bytes);
            if (ascii == bytes.size()) return taken;
            // The rest, and enough behind it to tell the encoding.
            raw_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(ascii), bytes.end());
            if (auto filled = fill_raw(); !filled) return unexpected(filled.error());
            tell_apart();
            if (ascii > 0) return ascii;
        }
    }

 private:
    /// Looks for a byte order mark.
    Result<void> begin() {
        has_begun_ = true;
        known_ = given_;
        if (auto filled = fill_raw(); !filled) return filled;
        const std::string_view start{raw_};
        const bool is_little = start.starts_with("\xFF\xFE");
        const bool is_big = start.starts_with("\xFE\xFF");
        const bool may_be_utf16 = !given_ || *given_ == TextEncoding::Utf16LittleEndian ||
                                  *given_ == TextEncoding::Utf16BigEndian;
        if (may_be_utf16 && (is_little || is_big)) {
            known_ = is_little ? TextEncoding::Utf16LittleEndian : TextEncoding::Utf16BigEndian;
            raw_.erase(0, 2);
        }
        if (!known_ && start.starts_with("\xEF\xBB\xBF")) known_ = TextEncoding::Utf8;
        tell_apart();
        return {};
    }

    Result<void> fill_raw() {
        std::size_t filled = raw_.size();
        raw_.resize(std::max(filled, piece_bytes));
        while (filled < raw_.size() && !has_ended_) {
            const auto taken = source_->read(std::span{raw_}.subspan(filled));
            if (!taken) return unexpected(taken.error());
            has_ended_ = *taken == 0;
            filled += *taken;
        }
        raw_.resize(filled);
        return {};
    }

    /// Moves what is raw to what is ready, once it is known how.
    void tell_apart() {
        if (!known_ && first_beyond_ascii(raw_) < raw_.size()) {
            known_ = is_mostly_not_utf8(raw_, !has_ended_) ? TextEncoding::Windows1252
                                                           : TextEncoding::Utf8;
        }
        if (known_ && *known_ != TextEncoding::Utf8) return;
        ready_ = std::exchange(raw_, {});
        given_out_ = 0;
    }

    Result<void> convert_more() {
        ready_.clear();
        given_out_ = 0;
        if (raw_.size() < piece_bytes && !has_ended_) {
            if (auto filled = fill_raw(); !filled) return filled;
        }
        if (*known_ == TextEncoding::Windows1252) {
            for (const char c : raw_) {
                const auto byte = static_cast<unsigned char>(c);
                const bool is_special = byte >= 0x80 && byte < 0xA0;
                append_utf8(ready_, is_special ? windows_1252[byte - 0x80U] : byte);
            }
            raw_.clear();
            return {};
        }
        return convert_utf16();
    }

    Result<void> convert_utf16() {
        const auto unit_at = [&](std::size_t at) {
            const auto first = static_cast<unsigned char>(raw_[at]);
            const auto second = static_cast<unsigned char>(raw_[at + 1]);
            return *known_ == TextEncoding::Utf16LittleEndian
                       ? static_cast<std::uint32_t>(first | (second << 8))
                       : static_cast<std::uint32_t>((first << 8) | second);
        };
        const auto bad = [&] {
            return unexpected(ErrorCode::InvalidArgument,
                              name_ + ": its UTF-16 is damaged; save the file as UTF-8");
        };
        std::size_t at = 0;
        while (at + 2 <= raw_.size()) {
            const std::uint32_t unit = unit_at(at);
            if (unit >= 0xDC00 && unit < 0xE000) return bad();
            if (unit < 0xD800 || unit >= 0xE000) {
                append_utf8(ready_, unit);
                at += 2;
                continue;
            }
            if (at + 4 > raw_.size()) break;
            const std::uint32_t low = unit_at(at + 2);
            if (low < 0xDC00 || low >= 0xE000) return bad();
            append_utf8(ready_, 0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00));
            at += 4;
        }
        raw_.erase(0, at);
        if (has_ended_ && !raw_.empty()) return bad();
        return {};
    }

    std::size_t give(std::span<char> target) {
        const std::size_t taken = std::min(target.size(), ready_.size() - given_out_);
        std::copy_n(ready_.data() + given_out_, taken, target.data());
        given_out_ += taken;
        return taken;
    }

    std::unique_ptr<CsvSource> source_;
    std::optional<TextEncoding> given_;
    std::optional<TextEncoding> known_;  ///< Nothing while all was ASCII.
    std::string name_;
    std::string raw_;    ///< As the file has it.
    std::string ready_;  ///< UTF-8.
    std::size_t given_out_ = 0;
    bool has_begun_ = false;
    bool has_ended_ = false;
};

}  // namespace

std::string_view encoding_name(TextEncoding encoding) {
    return names[static_cast<std::size_t>(encoding)];
}

std::optional<TextEncoding> find_encoding(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return TextEncoding{static_cast<int>(found - names.begin())};
}

std::unique_ptr<DecodedSource> decode_text(std::unique_ptr<CsvSource> source,
                                           std::optional<TextEncoding> given, std::string name) {
    return std::make_unique<Decoder>(std::move(source), given, std::move(name));
}

}  // namespace netcompute::data
