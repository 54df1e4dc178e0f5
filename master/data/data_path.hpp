#pragma once

#include <netcompute/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace netcompute::data {

/// A file below the folder Data/, as jobs name it and as everybody may see it: never with the place
/// of that folder on the disk.
struct DataPath {
    std::string below;  ///< "sub/x.csv": from Data/, without "." and "..", no part of it hidden.

    /// "Data/sub/x.csv".
    [[nodiscard]] std::string shown() const { return "Data/" + below; }
    friend bool operator==(const DataPath&, const DataPath&) = default;
};

/// What a user wrote: "Data/x.csv", "x.csv", or the whole path of a file below `root`/Data. Looks
/// at the text alone, not at the disk.
/// Errors: InvalidArgument for what names no file (nothing, a folder, a control character, too
/// long); PermissionDenied for what leads out of Data/ and for hidden files and folders.
[[nodiscard]] Result<DataPath> parse_data_path(const std::filesystem::path& root,
                                               std::string_view text);

/// Whether "Data/x.csv" is what a training or a prediction writes where nobody says otherwise.
[[nodiscard]] bool is_named_default(std::string_view shown);

}  // namespace netcompute::data
