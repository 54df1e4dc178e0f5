#pragma once

#include <filesystem>
#include <string>

namespace netcompute::worker {

/// What tells this worker from one on a PC that was installed from the same image, and from another
/// one of this PC: 32 hexadecimal digits, the same at each start. A hash of the system's
/// machine-id, its host name, its first network card's address, where the worker keeps its id, and
/// the name that its user gave it, if any.
[[nodiscard]] std::string machine_of(const std::filesystem::path& id_file, const std::string& name);

}  // namespace netcompute::worker
