#include <netcompute/json_depth.hpp>
#include <netcompute/json_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace netcompute {
namespace {

constexpr int file_depth_max = 64;  ///< Far deeper than any file that is read here.

/// The parser's own words for what is wrong, without its prefix and without the raw bytes it read
/// last, which need not be UTF-8.
std::string reason_of(const nlohmann::json::parse_error& error) {
    std::string_view reason = error.what();
    if (const auto column = reason.find("column "); column != std::string_view::npos) {
        if (const auto colon = reason.find(": ", column); colon != std::string_view::npos) {
            reason.remove_prefix(colon + 2);
        }
    }
    return std::string{reason.substr(0, reason.find("; last read"))};
}

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::string_view name) {
    if (is_nested_deeper(text, file_depth_max)) {
        return unexpected(ErrorCode::InvalidArgument,
                          std::string{name} + ": holds arrays or objects more than " +
                              std::to_string(file_depth_max) + " deep in each other");
    }
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& error) {
        const std::string_view read = text.substr(0, error.byte > 0 ? error.byte - 1 : 0);
        const auto line = 1 + std::count(read.begin(), read.end(), '\n');
        const auto line_start = read.rfind('\n');
        const auto column =
            1 + read.size() - (line_start == std::string_view::npos ? 0 : line_start + 1);
        return unexpected(ErrorCode::InvalidArgument,
                          std::string{name} + ": line " + std::to_string(line) + ", column " +
                              std::to_string(column) + ": not JSON: " + reason_of(error));
    } catch (const nlohmann::json::out_of_range&) {
        return unexpected(ErrorCode::InvalidArgument,
                          std::string{name} + ": holds a number that is too large for a double");
    }
}

Error file_error(const std::filesystem::path& path, std::string_view verb, int error_number) {
    ErrorCode code = ErrorCode::Unavailable;
    if (error_number == ENOENT || error_number == ENOTDIR) code = ErrorCode::NotFound;
    if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
        code = ErrorCode::PermissionDenied;
    }
    if (error_number == EISDIR) code = ErrorCode::InvalidArgument;
    return {code, path.string() + ": could not " + std::string{verb} + ": " +
                      std::generic_category().message(error_number)};
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t bytes_max) {
    const std::unique_ptr<std::FILE, CloseFile> file{std::fopen(path.c_str(), "rbe")};
    if (!file) return unexpected(file_error(path, "open", errno));
    std::string text;
    while (text.size() <= bytes_max) {
        const std::size_t old_size = text.size();
        const std::size_t wanted = std::min(bytes_max + 1 - old_size, std::size_t{64} << 10);
        text.resize(old_size + wanted);
        const std::size_t taken = std::fread(text.data() + old_size, 1, wanted, file.get());
        text.resize(old_size + taken);
        if (taken == wanted) continue;
        if (std::ferror(file.get()) != 0) return unexpected(file_error(path, "read", errno));
        return text;
    }
    return unexpected(ErrorCode::LimitExceeded,
                      path.string() + ": is larger than " + std::to_string(bytes_max) + " bytes");
}

std::string quote_json(const nlohmann::json& value) {
    constexpr std::size_t length_max = 60;
    std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > length_max) text = text.substr(0, length_max) + "…";
    return text;
}

}  // namespace netcompute
