#include "data/csv_source.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace netcompute::data {
namespace {

class FileSource final : public CsvSource {
 public:
    explicit FileSource(InputFile file) : file_{std::move(file)} {}

    Result<std::size_t> read(std::span<char> target) override {
        auto taken = file_.read_at(offset_, target);
        if (taken) offset_ += *taken;
        return taken;
    }

 private:
    InputFile file_;
    std::uint64_t offset_ = 0;
};

class TextSource final : public CsvSource {
 public:
    explicit TextSource(std::string_view text) : rest_{text} {}

    Result<std::size_t> read(std::span<char> target) override {
        const std::size_t taken = std::min(target.size(), rest_.size());
        std::copy_n(rest_.data(), taken, target.data());
        rest_.remove_prefix(taken);
        return taken;
    }

 private:
    std::string_view rest_;
};

}  // namespace

std::unique_ptr<CsvSource> csv_file_source(InputFile file) {
    return std::make_unique<FileSource>(std::move(file));
}

std::unique_ptr<CsvSource> csv_text_source(std::string_view text) {
    return std::make_unique<TextSource>(text);
}

}  // namespace netcompute::data
