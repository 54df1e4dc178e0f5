#pragma once

#include <cstddef>
#include <filesystem>

namespace netcompute::bench {

/// The median time of one fdatasync() of a 4 KiB page that was just written, in this folder: what
/// its disk asks for a promise. Throws std::runtime_error if no file can be written there.
[[nodiscard]] double flush_us(const std::filesystem::path& folder, std::size_t count);

}  // namespace netcompute::bench
