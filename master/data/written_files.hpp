#pragma once

#include <netcompute/sha256.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::data {

/// What a job left in a file. A file with other bytes is somebody else's by now: by its bytes it is
/// known again after a restored backup or a move to another disk too.
struct WrittenFile {
    std::uint64_t size = 0;
    Sha256 sha256;
    friend bool operator==(const WrittenFile&, const WrittenFile&) = default;
};

/// The files that jobs of this master have written, by their names ("Data/x.csv"). For any thread.
class WrittenFiles {
 public:
    using Named = std::pair<std::string, WrittenFile>;

    /// From a former master's record.
    void restore(std::string name, WrittenFile file) {
        const std::lock_guard lock{mutex_};
        files_.insert_or_assign(std::move(name), file);
    }
    void put(const std::string& name, WrittenFile file) {
        const std::lock_guard lock{mutex_};
        files_.insert_or_assign(name, file);
        new_.emplace_back(name, file);
    }
    [[nodiscard]] std::optional<WrittenFile> find(const std::string& name) const {
        const std::lock_guard lock{mutex_};
        const auto found = files_.find(name);
        return found == files_.end() ? std::nullopt : std::optional{found->second};
    }
    /// What was put since the last call, for the record.
    [[nodiscard]] std::vector<Named> take_new() {
        const std::lock_guard lock{mutex_};
        return std::exchange(new_, {});
    }

 private:
    mutable std::mutex mutex_;
    std::map<std::string, WrittenFile> files_;
    std::vector<Named> new_;
};

}  // namespace netcompute::data
