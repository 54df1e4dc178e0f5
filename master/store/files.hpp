#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace netcompute::store {

/// A file's name for messages, with its folder only: "state/netcompute.db". They are shown to users
/// who should not see the rest of the path.
[[nodiscard]] std::string shown_path(const std::filesystem::path& path);

/// "…: cannot <what>: <the system's reason>; <what to do about it>". NotFound if something is not
/// there, else Unavailable.
[[nodiscard]] Unexpected file_error(const std::filesystem::path& path, std::string_view what,
                                    int error_number);

/// The system's reason and what the user can do about it: "No space left on device; free some
/// space".
[[nodiscard]] std::string reason_and_next_step(int error_number);

/// Closes a descriptor at the end of its scope.
class Descriptor {
 public:
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();
    [[nodiscard]] int get() const { return number_; }

 private:
    int number_;
};

enum class Flush { No, Yes };

/// Writes a new file, for this user alone, or over an old one; with Flush::Yes its bytes survive a
/// power cut (its name does once flush_folder() was called for its folder). What an error leaves is
/// removed.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, ByteSpan bytes,
                                      Flush flush);

/// Makes the names of a folder's files survive a power cut.
[[nodiscard]] Result<void> flush_folder(const std::filesystem::path& folder);

}  // namespace netcompute::store
