#include "data/data_path.hpp"

#include "data/field_place.hpp"

#include <algorithm>
#include <array>

namespace netcompute::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t path_bytes_max = 1024;
constexpr std::size_t part_bytes_max = 200;  ///< So that a temporary name still fits beside it.

constexpr std::string_view what_to_do =
    "name a file below Data/, such as \"Data/train.csv\" (from the folder that holds Data/)";

Unexpected no_file(std::string_view text, std::string_view why) {
    return unexpected(ErrorCode::InvalidArgument,
                      quote(text) + " " + std::string{why} + "; " + std::string{what_to_do});
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

/// The rest of a path that begins with this folder's; empty if it does not.
fs::path rest_after(const fs::path& path, const fs::path& folder) {
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    fs::path found;
    if (end == folder.end()) std::for_each(rest, path.end(), [&](const auto& p) { found /= p; });
    return found;
}

/// From Data/, whichever of the three ways it was written in; empty if it lies elsewhere.
fs::path below_data(const fs::path& root, const fs::path& path) {
    if (path.is_relative()) {
        return *path.begin() == "Data" ? rest_after(path, "Data") : path;
    }
    std::error_code error;
    for (const fs::path& start : {fs::absolute(root, error), fs::weakly_canonical(root, error)}) {
        fs::path rest = rest_after(path, start.lexically_normal() / "Data");
        if (!rest.empty()) return rest;
    }
    return {};
}

}  // namespace

Result<DataPath> parse_data_path(const fs::path& root, std::string_view text) {
    if (text.empty()) return no_file(text, "is empty");
    if (std::any_of(text.begin(), text.end(), is_control)) {
        return unexpected(
            ErrorCode::InvalidArgument,
            "it holds a control character, and no file is named so; " + std::string{what_to_do});
    }
    if (text.size() > path_bytes_max) {
        return no_file(text, "is longer than " + std::to_string(path_bytes_max) + " bytes");
    }
    const fs::path path = fs::path{text}.lexically_normal();
    const fs::path below = *path.begin() == ".." ? fs::path{} : below_data(root, path);
    if (path == "Data" || path == "Data/" || path == "." || path == "./") {
        return no_file(text, "is a folder");
    }
    if (below.empty()) {
        return unexpected(ErrorCode::PermissionDenied,
                          quote(text) +
                              " lies outside Data/, and jobs read and write only below "
                              "it; put the file there and name it \"Data/…\"");
    }
    if (!below.has_filename()) return no_file(text, "is a folder");
    for (const fs::path& part : below) {
        if (part.native().starts_with('.')) {
            return unexpected(ErrorCode::PermissionDenied,
                              quote(text) + " is hidden (" + quote(part.native()) +
                                  " begins with a dot), and no job reads or writes such a file; "
                                  "give it another name");
        }
        if (part.native().size() > part_bytes_max) {
            return no_file(
                text, "has a name longer than " + std::to_string(part_bytes_max) + " bytes in it");
        }
    }
    return DataPath{below.string()};
}

bool is_named_default(std::string_view shown) {
    constexpr std::array<std::string_view, 3> names{"Data/model.json", "Data/submission_train.csv",
                                                    "Data/submission_test.csv"};
    return std::find(names.begin(), names.end(), shown) != names.end();
}

}  // namespace netcompute::data
