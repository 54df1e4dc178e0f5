#include "steady_now.hpp"
#include <netcompute/audit_log.hpp>
#include <netcompute/printable.hpp>

#include <nlohmann/json.hpp>

namespace netcompute {
namespace {

using Document = nlohmann::ordered_json;

/// What follows the time: a JSON object without its opening brace, in ASCII.
std::string rest_of_line(const Document& document) {
    return document.dump(-1, ' ', true, Document::error_handler_t::replace).substr(1);
}

Document document_of(const AuditEntry& entry) {
    Document document = {{"action", printable(entry.action)}, {"who", entry.who}};
    if (!entry.address.empty()) document["address"] = printable(entry.address);
    if (entry.job != 0) document["job"] = entry.job;
    if (!entry.worker.empty()) document["worker"] = printable(entry.worker);
    document["outcome"] = printable(entry.outcome);
    if (!entry.detail.empty()) document["detail"] = printable(entry.detail, 500);
    return document;
}

}  // namespace

AuditLog::AuditLog(const LogFile& file, LogBudget::Limits limits)
    : lines_{"audit", open_log_file(file)}, budget_{limits} {
    lines_.set_pattern("{\"time\":\"" + std::string{log_time_pattern} + "\",%v");
    lines_.flush_on(spdlog::level::trace);
    lines_.set_error_handler([](const std::string& why) {
        log_within_budget("audit log that cannot be written", "this PC", spdlog::level::err,
                          "the audit log lacks a line: {}", why);
    });
}

void AuditLog::write(const AuditEntry& entry) {
    write_left_out();
    if (entry.is_budgeted && !admit(entry)) return;
    lines_.info(rest_of_line(document_of(entry)));
}

bool AuditLog::admit(const AuditEntry& entry) {
    const std::lock_guard lock{mutex_};
    return budget_.admit(entry.action, entry.address);
}

void AuditLog::write_left_out() {
    std::unique_lock lock{mutex_};
    const auto left_out = budget_.end_minute(steady_now());
    lock.unlock();
    for (const LogBudget::LeftOut& one : left_out) {
        lines_.info(rest_of_line(
            {{"action", one.kind}, {"address", one.address}, {"left_out_in_a_minute", one.lines}}));
    }
}

}  // namespace netcompute
