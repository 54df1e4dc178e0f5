#include "worker_id.hpp"

#include <netcompute/protocol/messages.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string_view>
#include <system_error>

namespace netcompute::worker {
namespace {

constexpr std::size_t fresh_digits = 32;
constexpr std::size_t id_bytes_min = 8;

std::string fresh_id() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::random_device random;
    std::string id;
    while (id.size() < fresh_digits) id += digits[random() % digits.size()];
    return id;
}

/// What the protocol takes as a worker's id.
bool is_worker_id(std::string_view text) {
    return text.size() >= id_bytes_min && text.size() <= protocol::worker_key_bytes_max &&
           std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
           });
}

std::string first_line(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace

std::filesystem::path worker_id_path() {
    // Only main's thread reads the environment, before any other thread is there.
    const char* const state = std::getenv("XDG_STATE_HOME");  // NOLINT(concurrency-mt-unsafe)
    const char* const home = std::getenv("HOME");             // NOLINT(concurrency-mt-unsafe)
    std::filesystem::path folder;
    if (state != nullptr && *state == '/') {
        folder = state;
    } else if (home != nullptr && *home == '/') {
        folder = std::filesystem::path{home} / ".local" / "state";
    } else {
        return {};
    }
    return folder / "netcompute" / "worker-id";
}

std::string load_worker_id(const std::filesystem::path& path) {
    if (std::string id = first_line(path); is_worker_id(id)) return id;
    const std::string id = fresh_id();
    if (path.empty()) return id;
    // Written beside and renamed, so that a second worker starting now reads all of it or nothing.
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::filesystem::path draft = path;
    draft += "." + std::to_string(getpid());
    bool written = false;
    {
        std::ofstream file{draft};
        file << id << '\n';
        file.flush();
        written = file.good();
    }
    if (written) {
        std::filesystem::rename(draft, path, error);
        written = !error;
    }
    if (!written) std::filesystem::remove(draft, error);
    return id;
}

}  // namespace netcompute::worker
