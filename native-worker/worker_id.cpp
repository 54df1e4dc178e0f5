#include "worker_id.hpp"

#include <netcompute/protocol/messages.hpp>
#include <netcompute/sha256.hpp>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <string_view>
#include <system_error>

namespace netcompute::worker {
namespace {

constexpr std::size_t fresh_digits = 32;
constexpr std::size_t id_bytes_min = 8;

/// 128 bits that nobody can guess.
std::string fresh_hex() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::random_device random;
    std::string text;
    while (text.size() < fresh_digits) text += digits[random() % digits.size()];
    return text;
}

/// What the protocol takes as a worker's id.
bool is_worker_id(std::string_view text) {
    return text.size() >= id_bytes_min && text.size() <= protocol::worker_key_bytes_max &&
           std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
           });
}

bool is_secret(std::string_view text) {
    return text.size() >= protocol::secret_digits_min &&
           text.size() <= protocol::secret_digits_max && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

WorkerIdentity read_identity(const std::filesystem::path& path) {
    std::ifstream file{path};
    WorkerIdentity identity;
    std::getline(file, identity.id);
    std::getline(file, identity.secret);
    if (!is_worker_id(identity.id)) return {};
    if (!is_secret(identity.secret)) identity.secret.clear();
    return identity;
}

/// Written beside and renamed, so that a second worker starting now reads all of it or nothing.
bool write_identity(const std::filesystem::path& path, const WorkerIdentity& identity) {
    if (path.empty()) return false;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    const std::string draft = path.string() + "." + std::to_string(getpid());
    const int descriptor =
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) return false;
    const std::string text = identity.id + "\n" + identity.secret + "\n";
    const bool written =
        ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(descriptor);
    if (written) std::filesystem::rename(draft, path, error);
    if (written && !error) return true;
    std::filesystem::remove(draft, error);
    return false;
}

/// Follows from this system's and this user's own ids, which must not be revealed
/// outside this PC.
std::optional<WorkerIdentity> identity_of_this_pc() {
    std::string machine;
    if (!std::getline(std::ifstream{"/etc/machine-id"}, machine) || machine.empty()) return {};
    const auto hex_of = [&](const std::string& what) {
        const std::string text = "netcompute " + what + machine + " " + std::to_string(getuid());
        return to_hex(sha256(as_byte_span(text))).substr(0, fresh_digits);
    };
    return WorkerIdentity{.id = hex_of("worker "), .secret = hex_of("secret ")};
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
        const std::string_view first{folder};  // A service may have several, separated by colons.
        return std::filesystem::path{first.substr(0, first.find(':'))} / name;
    }
    const std::filesystem::path home = home_folder();
    return home.empty() ? home : home / ".local" / "state" / name;
}

WorkerIdentity load_worker_identity(const std::filesystem::path& path) {
    WorkerIdentity identity = read_identity(path);
    if (!identity.secret.empty()) return identity;
    const bool has_id = !identity.id.empty();
    if (!has_id) identity.id = fresh_hex();
    identity.secret = fresh_hex();
    if (write_identity(path, identity)) return identity;
    // One that is another at each start would prove nothing, and have the master take this worker
    // for somebody else each time.
    if (has_id) return {.id = identity.id, .secret = {}};
    return identity_of_this_pc().value_or(identity);
}

}  // namespace netcompute::worker
