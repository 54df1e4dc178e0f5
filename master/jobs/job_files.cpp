#include "jobs/job_files.hpp"

#include "data/field_place.hpp"
#include "data/output_file.hpp"
#include "jobs/job_reference.hpp"
#include <netcompute/sha256.hpp>

#include <algorithm>
#include <optional>

namespace netcompute::jobs {
namespace fs = std::filesystem;
namespace {

Unexpected about(const std::string& key, const Error& error) {
    return unexpected(error.code, "params." + key + ": " + error.message);
}

std::optional<data::WrittenFile> written_before(const data::WrittenFiles* files,
                                                const data::DataPath& path) {
    return files == nullptr ? std::nullopt : files->find(path.shown());
}

}  // namespace

Result<void> OutputWriter::write(const data::DataPath& path, ByteSpan bytes) const {
    if (!is_on_ || dropped_.contains(path.shown())) return {};
    auto done = data::write_output(root_, path, bytes, written_before(written_, path));
    if (!done) return done;
    const Sha256 hash = sha256(bytes);
    if (written_ != nullptr) written_->put(path.shown(), {bytes.size(), hash});
    if (outputs_) outputs_->put(path.shown(), hash);
    return done;
}

/// From the root, or else from Data/; its name without the folders that only its user knows.
Result<data::InputFile> JobFiles::open_anywhere(const std::string& text) const {
    if (text.empty() || text.find('\0') != std::string::npos) {
        return unexpected(ErrorCode::InvalidArgument, "it names no file");
    }
    const auto open = [&](const fs::path& path) {
        std::error_code error;
        const auto in_data =
            data::parse_data_path(context_.root, fs::absolute(path, error).string());
        return data::InputFile::open(path, in_data ? in_data->shown() : path.filename().string());
    };
    auto file = open(context_.root / text);
    if (file || file.error().code != ErrorCode::NotFound) return file;
    auto in_data = open(context_.root / "Data" / text);
    return in_data ? std::move(in_data) : std::move(file);
}

Result<data::InputFile> JobFiles::open(const std::string& text) const {
    if (context_.paths_anywhere) return open_anywhere(text);
    const auto path = data::parse_data_path(context_.root, text);
    if (!path) return unexpected(path.error());
    return data::InputFile::open_below(context_.root, *path);
}

Result<data::InputFile> JobFiles::input(const std::string& key, const std::string& text) {
    std::string path = text;
    if (is_job_reference(text)) {
        if (!context_.from_jobs || !context_.from_jobs->contains(text)) {
            return about(key, {ErrorCode::InvalidArgument,
                               data::quote(text) + ": files of other jobs cannot be read here"});
        }
        const auto& output = context_.from_jobs->at(text);
        if (!output) return data::InputFile{};
        path = output->path;
    }
    if (!context_.awaited_files.empty()) {
        const auto shown = data::parse_data_path(context_.root, path);
        if (shown && context_.awaited_files.contains(shown->shown())) return data::InputFile{};
    }
    auto file = open(path);
    if (!file) return about(key, file.error());
    inputs_.emplace_back(key, *file);
    if (context_.names != nullptr) context_.names->reads.insert(file->name());
    return file;
}

Result<data::DataPath> JobFiles::output(const std::string& key, const std::string& text) {
    auto path = data::parse_data_path(context_.root, text);
    if (!path) return about(key, path.error());
    const auto taken = [&](const std::string& other) {
        return about(key, {ErrorCode::InvalidArgument,
                           path->shown() + ": is params." + other +
                               " of this job as well; give each a file of its own"});
    };
    for (const auto& [other, file] : inputs_) {
        if (file.name() == path->shown()) return taken(other);
    }
    for (const Output& output : outputs_) {
        if (output.path == *path) return taken(output.key);
    }
    outputs_.push_back({key, *path, text});
    if (context_.names != nullptr && !context_.dropped_outputs.contains(path->shown())) {
        context_.names->writes.insert(path->shown());
    }
    return path;
}

/// Whoever names a file that lies beside Data/ means that one, and hears that no job writes it.
Result<void> JobFiles::check_not_beside_data(const Output& output) const {
    std::error_code error;
    const fs::path text{output.text};
    if (text.is_absolute() || *text.lexically_normal().begin() == "Data") return {};
    if (!fs::exists(fs::symlink_status(context_.root / text, error))) return {};
    return about(output.key,
                 {ErrorCode::PermissionDenied,
                  data::quote(output.text) + " lies outside Data/, and jobs write only " +
                      "below it; write \"" + output.path.shown() + "\" if that is meant"});
}

Result<void> JobFiles::check_outputs() const {
    for (const Output& output : outputs_) {
        if (context_.dropped_outputs.contains(output.path.shown())) continue;
        if (auto apart = check_not_beside_data(output); !apart) return apart;
        const auto replaced = data::check_output(context_.root, output.path,
                                                 written_before(context_.written, output.path));
        if (!replaced) return about(output.key, replaced.error());
        for (const auto& [other, file] : inputs_) {
            // By another name: a link, or a second name of the same file.
            if (*replaced != file.identity()) continue;
            return about(output.key, {ErrorCode::InvalidArgument,
                                      output.path.shown() + ": is the file that params." + other +
                                          " names too; give each a file of its own"});
        }
    }
    return {};
}

nlohmann::json shown_params(const store::JobRecord& job) {
    auto params = nlohmann::json::parse(job.params);
    if (!job.paths_anywhere) return params;
    for (auto& [key, value] : params.items()) {
        if (!value.is_string()) continue;
        const auto& text = value.get_ref<const std::string&>();
        if (text.find('/') == std::string::npos || text.starts_with("Data/")) continue;
        value = fs::path{text}.filename().string();
    }
    return params;
}

}  // namespace netcompute::jobs
