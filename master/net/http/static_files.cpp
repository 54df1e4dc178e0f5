#include "net/http/static_files.hpp"

#include <netcompute/sha256.hpp>

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace netcompute::net {
namespace fs = std::filesystem;
namespace {

std::string content_type_of(const fs::path& path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 8> types{{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".wasm", "application/wasm"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
    }};
    for (const auto& [extension, type] : types) {
        if (path.extension() == extension) return std::string{type};
    }
    return "application/octet-stream";
}

}  // namespace

void StaticFiles::add_folder(const fs::path& folder, const std::string& url_prefix) {
    if (!fs::is_directory(folder)) {
        throw std::runtime_error(folder.string() +
                                 ": the web pages are not there; build them, or say where they "
                                 "are with --web-root");
    }
    for (const auto& entry : fs::recursive_directory_iterator{folder}) {
        if (!entry.is_regular_file()) continue;
        std::ifstream stream{entry.path(), std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{stream}, {}};
        const ByteSpan bytes = as_byte_span(text);
        files_[url_prefix + fs::relative(entry.path(), folder).generic_string()] = {
            content_type_of(entry.path()), '"' + to_hex(sha256(bytes)).substr(0, 16) + '"',
            std::make_shared<const Bytes>(bytes.begin(), bytes.end())};
    }
}

std::optional<HttpResponse> StaticFiles::find(std::string_view path,
                                              std::string_view if_none_match) const {
    const auto found = files_.find(path);
    if (found == files_.end()) return std::nullopt;
    const File& file = found->second;
    HttpResponse response;
    response.content_type = file.content_type;
    response.cache_control = "no-cache";  // Kept by the browser, and asked for again by its ETag.
    response.etag = file.etag;
    if (if_none_match == file.etag) {
        response.status = boost::beast::http::status::not_modified;
    } else {
        response.shared_body = *file.bytes;
        response.owner = file.bytes;
    }
    return response;
}

}  // namespace netcompute::net
