#pragma once

#include "net/http/http_message.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace netcompute::net {

/// The files that the server gives out, read once at start: a request can only ever name one of
/// these, so no path leads outside.
class StaticFiles {
 public:
    /// Adds every file below `folder` under `url_prefix`. Throws std::runtime_error if the folder
    /// is not there: the build makes it.
    void add_folder(const std::filesystem::path& folder, const std::string& url_prefix);

    /// The answer for a path, `not_modified` if the peer has it already; nothing if there is none.
    [[nodiscard]] std::optional<HttpResponse> find(std::string_view path,
                                                   std::string_view if_none_match) const;

 private:
    struct File {
        std::string content_type;
        std::string etag;
        std::shared_ptr<const Bytes> bytes;
    };
    std::map<std::string, File, std::less<>> files_;
};

}  // namespace netcompute::net
