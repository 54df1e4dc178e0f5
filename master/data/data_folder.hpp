#pragma once

#include "data/data_path.hpp"
#include <netcompute/result.hpp>

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace netcompute::data {

/// Closes a descriptor with the last copy.
using SharedDescriptor = std::shared_ptr<const int>;
[[nodiscard]] SharedDescriptor share_descriptor(int descriptor);

/// Which file it is on this machine, whatever its name.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

/// Opens `root`/Data, or returns -1 and sets errno. It may be a link that its owner has made.
[[nodiscard]] int open_data_folder(const std::filesystem::path& root);

/// Opens a file below that folder for reading, following links only as long as they stay below it,
/// and without waiting for whoever is at the other end of a pipe. Returns -1 and sets errno: EXDEV
/// or ELOOP for a link that leads out.
[[nodiscard]] int open_below(int data_folder, const DataPath& path);

/// The folder that a file lies in, below `data_folder`, following no link at all; -1 and errno:
/// ELOOP or ENOTDIR for a link.
[[nodiscard]] int open_parent_below(int data_folder, const DataPath& path);

}  // namespace netcompute::data
