#pragma once

#include <netcompute/log_budget.hpp>
#include <netcompute/logging.hpp>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace netcompute {

/// One thing that somebody did to this master, or tried.
struct AuditEntry {
    std::string_view action{};   ///< "submit", "cancel", "worker joined", …
    std::string_view who{};      ///< By what right; one of audit_by.
    std::string address{};       ///< From where; empty: from within the master.
    std::uint64_t job = 0;       ///< 0: none.
    std::string worker{};        ///< Its id; empty: none.
    std::string outcome = "ok";  ///< Or the code of the error.
    std::string detail{};        ///< For people.
    /// Nobody needs a right to cause it again and again, so it is written within a budget.
    bool is_budgeted = false;
};

/// By what right somebody does something.
namespace audit_by {
inline constexpr std::string_view token = "token";    ///< It gave the join_token.
inline constexpr std::string_view anyone = "anyone";  ///< No token is asked for.
inline constexpr std::string_view nobody = "nobody";  ///< It was refused for want of a right.
inline constexpr std::string_view local = "local";    ///< From this PC: a command or a signal.
inline constexpr std::string_view master = "master";  ///< The master decided it by itself.
}  // namespace audit_by

/// Who changed what, from where and when: a file of JSON lines, for its owner alone, put aside
/// when it is full. Any thread may write. A line that cannot be written is told in the log.
class AuditLog {
 public:
    /// Throws std::runtime_error if the file cannot be written.
    explicit AuditLog(const LogFile& file, LogBudget::Limits limits = {});

    void write(const AuditEntry& entry);
    /// Writes how many lines the last minute left out, if it is over.
    void write_left_out();

 private:
    [[nodiscard]] bool admit(const AuditEntry& entry);

    spdlog::logger lines_;
    std::mutex mutex_;
    LogBudget budget_;
};

}  // namespace netcompute
