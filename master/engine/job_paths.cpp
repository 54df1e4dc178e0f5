#include "engine/job_paths.hpp"

#include "data/atomic_file.hpp"

#include <algorithm>

namespace netcompute::engine {
namespace fs = std::filesystem;
namespace {

bool lies_below(const fs::path& path, const fs::path& folder) {
    const auto [end, ignored] =
        std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return end == folder.end();
}

}  // namespace

Result<fs::path> resolve_job_path(const JobContext& context, const std::string& key,
                                  const std::string& path) {
    std::error_code error;
    const fs::path root = fs::weakly_canonical(context.root, error);
    fs::path resolved = fs::weakly_canonical(root / path, error);
    if (!fs::exists(resolved, error) && fs::exists(root / "Data" / path, error)) {
        resolved = fs::weakly_canonical(root / "Data" / path, error);
    }
    if (path.find('\0') != std::string::npos) {
        return unexpected(ErrorCode::InvalidArgument, "params." + key + ": it holds a zero byte");
    }
    if (!context.paths_anywhere && !lies_below(resolved, root)) {
        return unexpected(ErrorCode::PermissionDenied,
                          "params." + key + ": \"" + path +
                              "\" lies outside the folder that holds Data/; put the file there");
    }
    return resolved;
}

Result<fs::path> resolve_input(const JobContext& context, const std::string& key,
                               const std::string& path) {
    auto resolved = resolve_job_path(context, key, path);
    std::error_code error;
    if (resolved && !fs::exists(*resolved, error)) {
        return unexpected(ErrorCode::NotFound, "params." + key + ": \"" + path +
                                                   "\": there is no such file (looked for " +
                                                   resolved->string() + ")");
    }
    return resolved;
}

Result<fs::path> resolve_output(const JobContext& context, const std::string& key,
                                const std::string& path) {
    auto resolved = resolve_job_path(context, key, path);
    if (!resolved) return resolved;
    if (auto writable = data::check_writable_folder(resolved->parent_path()); !writable) {
        return unexpected(writable.error());
    }
    return resolved;
}

}  // namespace netcompute::engine
