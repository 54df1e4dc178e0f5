#include "worker_id.hpp"

#include <netcompute/protocol/messages.hpp>
#include <netcompute/sha256.hpp>

#include <pwd.h>
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

/// Never the id itself, which is nobody's business outside this PC.
std::string id_of_this_pc() {
    const std::string machine = first_line("/etc/machine-id");
    if (machine.empty()) return fresh_id();
    const std::string text = "netcompute worker " + machine + " " + std::to_string(getuid());
    return to_hex(sha256(as_byte_span(text))).substr(0, fresh_digits);
}

std::filesystem::path home_folder() {
    const char* const home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
    if (home != nullptr && *home == '/') return home;
    const passwd* const user = getpwuid(getuid());  // NOLINT(concurrency-mt-unsafe)
    if (user == nullptr || user->pw_dir == nullptr || *user->pw_dir != '/') return {};
    std::error_code error;
    return std::filesystem::is_directory(user->pw_dir, error) ? user->pw_dir : "";
}

}  // namespace

std::filesystem::path worker_id_path() {
    const std::filesystem::path name = std::filesystem::path{"netcompute"} / "worker-id";
    for (const char* variable : {"XDG_STATE_HOME", "STATE_DIRECTORY"}) {
        // Only main's thread reads the environment, before any other thread is there.
        const char* const folder = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
        if (folder == nullptr || *folder != '/') continue;
        const std::string_view first{folder};  // A service may have several, parted by colons.
        return std::filesystem::path{first.substr(0, first.find(':'))} / name;
    }
    const std::filesystem::path home = home_folder();
    return home.empty() ? home : home / ".local" / "state" / name;
}

std::string load_worker_id(const std::filesystem::path& path) {
    if (std::string id = first_line(path); is_worker_id(id)) return id;
    if (path.empty()) return id_of_this_pc();
    const std::string id = fresh_id();
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
    if (written) return id;
    std::filesystem::remove(draft, error);
    return id_of_this_pc();
}

}  // namespace netcompute::worker
