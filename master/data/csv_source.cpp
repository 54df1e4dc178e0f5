#include "data/csv_source.hpp"

#include <netcompute/json_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace netcompute::data {
namespace {

class FileSource final : public CsvSource {
 public:
    FileSource(std::filesystem::path path, int descriptor)
        : path_{std::move(path)}, descriptor_{descriptor} {}
    ~FileSource() override { ::close(descriptor_); }

    Result<std::size_t> read(std::span<char> target) override {
        for (;;) {
            const ssize_t taken = ::read(descriptor_, target.data(), target.size());
            if (taken >= 0) return static_cast<std::size_t>(taken);
            if (errno != EINTR) return unexpected(file_error(path_, "read", errno));
        }
    }

 private:
    std::filesystem::path path_;
    int descriptor_;
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

Result<std::unique_ptr<CsvSource>> open_csv_file(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return unexpected(file_error(path, "open", errno));
    std::unique_ptr<CsvSource> source = std::make_unique<FileSource>(path, descriptor);
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) return unexpected(file_error(path, "open", errno));
    if (S_ISDIR(status.st_mode)) {
        return unexpected(ErrorCode::InvalidArgument,
                          path.string() + ": is a folder; name a CSV file");
    }
    return source;
}

std::unique_ptr<CsvSource> csv_text_source(std::string_view text) {
    return std::make_unique<TextSource>(text);
}

}  // namespace netcompute::data
