#include "store/result_files.hpp"

#include "store/blob_store.hpp"
#include "store/files.hpp"
#include "store/state_folder.hpp"

#include <utility>

namespace netcompute::store {
namespace fs = std::filesystem;
namespace {

std::string name_of(const ResultFile& file) {
    return std::to_string(file.job.value) + "-" + std::to_string(file.round) + "-" +
           std::to_string(file.sequence);
}

}  // namespace

Result<ResultFiles> ResultFiles::open(fs::path folder) {
    if (auto made = make_private_folder(folder); !made) return unexpected(made.error());
    return ResultFiles{std::move(folder)};
}

fs::path ResultFiles::path_of(const ResultFile& file) const {
    return folder_ / name_of(file);
}

Result<void> ResultFiles::write(const ResultFile& file, ByteSpan bytes) {
    auto written = write_file(path_of(file), bytes, Flush::Yes);
    if (!written) return unexpected(ErrorCode::Unavailable, written.error().message);
    return {};
}

Result<void> ResultFiles::flush() {
    auto flushed = flush_folder(folder_);
    if (!flushed) return unexpected(ErrorCode::Unavailable, flushed.error().message);
    return {};
}

Result<std::shared_ptr<const Bytes>> ResultFiles::read(const ResultFile& file,
                                                       std::uint64_t size) const {
    const fs::path path = path_of(file);
    const auto mapped = MappedFile::open(path);
    if (!mapped) return unexpected(ErrorCode::Unavailable, mapped.error().message);
    const ByteSpan bytes = (*mapped)->bytes();
    if (bytes.size() != size) {
        return unexpected(ErrorCode::Unavailable,
                          shown_path(path) + ": holds " + std::to_string(bytes.size()) +
                              " bytes of results instead of " + std::to_string(size) +
                              "; put a copy in its place, or cancel job " +
                              std::to_string(file.job.value) + " and submit it again");
    }
    return std::make_shared<const Bytes>(bytes.begin(), bytes.end());
}

void ResultFiles::remove(const std::vector<ResultFile>& files) {
    const std::lock_guard lock{removals_->mutex};
    if (removals_->are_held) {
        removals_->held.insert(removals_->held.end(), files.begin(), files.end());
        return;
    }
    for (const ResultFile& file : files) {
        std::error_code ignored;
        fs::remove(path_of(file), ignored);
    }
}

void ResultFiles::hold_removals(bool hold) {
    std::vector<ResultFile> held;
    {
        const std::lock_guard lock{removals_->mutex};
        removals_->are_held = hold;
        if (!hold) held = std::exchange(removals_->held, {});
    }
    remove(held);
}

void ResultFiles::remove_others(const std::set<ResultFile>& named) {
    std::set<std::string> names;
    for (const ResultFile& file : named) names.insert(name_of(file));
    std::vector<fs::path> others;
    std::error_code error;
    for (fs::directory_iterator entry{folder_, error}; !error && entry != fs::directory_iterator{};
         entry.increment(error)) {
        if (!names.contains(entry->path().filename().string())) others.push_back(entry->path());
    }
    for (const fs::path& other : others) fs::remove_all(other, error);
}

}  // namespace netcompute::store
