#include "data/blank_fields.hpp"

#include "data/number.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::data {
namespace {

constexpr std::size_t blanks_piece_bytes = std::size_t{1} << 16;

class BlankFields final : public CsvSource {
 public:
    BlankFields(std::unique_ptr<CsvSource> source, char quote)
        : source_{std::move(source)}, quote_{quote}, buffer_(blanks_piece_bytes) {}

    Result<std::size_t> read(std::span<char> target) override {
        while (given_out_ == ready_.size()) {
            const auto taken = source_->read(buffer_);
            if (!taken || *taken == 0) return taken;
            ready_.clear();
            given_out_ = 0;
            for (const char c : std::span{buffer_}.first(*taken)) take(c);
        }
        const std::size_t given = std::min(target.size(), ready_.size() - given_out_);
        std::copy_n(ready_.data() + given_out_, given, target.data());
        given_out_ += given;
        return given;
    }

 private:
    void take(char c) {
        const bool is_quote = c == quote_ && quote_ != '\0';
        if (is_quoted_) {
            is_quoted_ = !is_quote;
        } else if (is_blank(c)) {
            is_after_blank_ = true;
            return;
        } else if (c == '\n' || c == '\r') {
            is_line_start_ = true;
            is_after_blank_ = false;
        } else {
            if (is_after_blank_ && !is_line_start_) ready_ += unit_separator;
            is_after_blank_ = false;
            is_line_start_ = false;
            is_quoted_ = is_quote;
        }
        ready_ += c;
    }

    std::unique_ptr<CsvSource> source_;
    char quote_;
    std::vector<char> buffer_;
    std::string ready_;
    std::size_t given_out_ = 0;
    bool is_quoted_ = false;
    bool is_line_start_ = true;
    bool is_after_blank_ = false;
};

}  // namespace

std::unique_ptr<CsvSource> blank_fields(std::unique_ptr<CsvSource> source, char quote) {
    return std::make_unique<BlankFields>(std::move(source), quote);
}

}  // namespace netcompute::data
