#include "child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace netcompute::bench {
namespace {

constexpr auto end_timeout = std::chrono::seconds{10};

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

}  // namespace

ProcessFigures figures_of(pid_t process) {
    const std::filesystem::path folder = "/proc/" + std::to_string(process);
    const std::string stat = text_of(folder / "stat");
    std::istringstream statm{text_of(folder / "statm")};
    std::uint64_t total_pages = 0;
    std::uint64_t resident_pages = 0;
    statm >> total_pages >> resident_pages;
    // The second field, the name, may hold anything; after its bracket the third one follows.
    std::istringstream after_name{stat.substr(std::min(stat.rfind(')') + 2, stat.size()))};
    constexpr int fields_before_user_ticks = 11;
    std::string skipped;
    for (int i = 0; i < fields_before_user_ticks; ++i) after_name >> skipped;
    double user_ticks = 0;
    double system_ticks = 0;
    after_name >> user_ticks >> system_ticks;
    if (!after_name || !statm) {
        throw std::runtime_error("process " + std::to_string(process) + " is not there any more");
    }
    return {resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)),
            (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK))};
}

std::filesystem::path program_folder() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

ChildProcess::ChildProcess(const std::vector<std::string>& command,
                           const std::filesystem::path& folder, const std::filesystem::path& log)
    : log_{log} {
    std::vector<std::string> words = command;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr mode_t log_mode = 0644;
    constexpr int log_flags = O_WRONLY | O_CREAT | O_APPEND;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), log_flags, log_mode);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    const int error =
        posix_spawn(&id_, words.front().c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        throw std::runtime_error("cannot start " + words.front() + ": " + std::strerror(error));
    }
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : id_{std::exchange(other.id_, -1)}, log_{std::move(other.log_)} {}

ChildProcess::~ChildProcess() {
    if (id_ < 0) return;
    kill(id_, SIGTERM);
    const auto give_up_at = std::chrono::steady_clock::now() + end_timeout;
    while (waitpid(id_, nullptr, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > give_up_at) kill(id_, SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
}

void ChildProcess::require_running() {
    int status = 0;
    if (waitpid(id_, &status, WNOHANG) == 0) return;
    id_ = -1;
    const std::string how = WIFEXITED(status)
                                ? "exited with " + std::to_string(WEXITSTATUS(status))
                                : "was ended by signal " + std::to_string(WTERMSIG(status));
    throw std::runtime_error("a process of the benchmark " + how + "; its log:\n" + text_of(log_));
}

}  // namespace netcompute::bench
