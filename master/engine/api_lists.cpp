// What lists of workers and jobs show: pages of those that are asked for.
#include "engine/api_backend.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <map>

namespace netcompute::engine {
namespace {

std::string lower(std::string_view text) {
    std::string lowered{text};
    for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lowered;
}

bool holds_text(std::string_view words, const std::string& text) {
    return lower(words).find(lower(text)) != std::string::npos;
}

bool has_words(const store::JobRecord& record, const std::string& text) {
    return text.empty() ||
           holds_text(std::to_string(record.id.value) + " " + record.type + " " + record.name,
                      text);
}

/// The states that one may ask a list for, with their names.
template <typename State, std::size_t count>
Result<std::optional<State>> read_state(const std::string& text,
                                        const std::array<State, count>& states,
                                        std::string_view (*name_of)(State)) {
    if (text.empty()) return std::optional<State>{};
    std::string names;
    for (const State state : states) {
        if (lower(name_of(state)) == lower(text)) return std::optional{state};
        names += (names.empty() ? "" : ", ") + std::string{name_of(state)};
    }
    return unexpected(ErrorCode::InvalidArgument,
                      "state: \"" + store::cut_text(text, 60) + "\" is none of " + names);
}

}  // namespace

Result<api::ListPage> ApiBackend::workers(const api::ListQuery& query) {
    constexpr std::array states{core::WorkerState::Idle, core::WorkerState::Busy,
                                core::WorkerState::Draining, core::WorkerState::Suspect,
                                core::WorkerState::Lost};
    const auto state = read_state(query.state, states, core::worker_state_name);
    if (!state) return unexpected(state.error());
    auto& workers = engine_.workers();
    auto last = workers.end();
    if (!query.before.empty()) {
        const auto before = worker_id(query.before);
        if (!before) {
            return unexpected(ErrorCode::InvalidArgument,
                              "before: \"" + store::cut_text(query.before, 60) +
                                  "\" is no worker that is known here; begin again without it");
        }
        last = workers.find(*before);
    }
    std::vector<nlohmann::json> found;
    api::ListPage page;
    for (auto one = last; one != workers.begin();) {
        WorkerInfo& worker = (--one)->second;
        const std::string words = worker.key + " " + worker.name + " " + worker.address;
        if (!query.text.empty() && !holds_text(words, query.text)) continue;
        const auto view = engine_.scheduler().worker(worker.id);
        if (*state && **state != (view ? view->state : core::WorkerState::Lost)) continue;
        if (found.size() == query.limit) {
            page.next = found.back().at("id");
            break;
        }
        found.push_back(worker_document(worker));
    }
    std::move(found.rbegin(), found.rend(), std::back_inserter(page.items));
    return page;
}

Result<api::ListPage> ApiBackend::jobs(const api::ListQuery& query) {
    constexpr std::array states{store::JobState::Queued, store::JobState::Running,
                                store::JobState::Paused, store::JobState::Succeeded,
                                store::JobState::Failed, store::JobState::Cancelled};
    const auto state = read_state(query.state, states, store::job_state_name);
    if (!state) return unexpected(state.error());
    store::EndedJobsQuery ended{query.limit + 1, std::nullopt, *state, query.text};
    if (!query.before.empty()) {
        JobId before;
        const char* const last = query.before.data() + query.before.size();
        const auto [end, error] = std::from_chars(query.before.data(), last, before.value);
        if (error != std::errc{} || end != last) {
            return unexpected(
                ErrorCode::InvalidArgument,
                "before: \"" + store::cut_text(query.before, 60) + "\" is no job's number");
        }
        ended.before = before;
    }
    std::map<std::uint64_t, nlohmann::json> found;
    auto& live = engine_.live_jobs();
    auto one = ended.before ? live.lower_bound(*ended.before) : live.end();
    const auto add = [&](nlohmann::json document) {
        if (*state && document.at("state") != store::job_state_name(**state)) return;
        const std::uint64_t id = document.at("id");
        found.emplace(id, std::move(document));
    };
    while (one != live.begin() && found.size() <= query.limit) {
        JobRun& job = (--one)->second;
        if (has_words(job.record, query.text)) add(live_short_document(job));
    }
    for (const auto& [id, record] : engine_.ending_jobs()) {
        const bool is_before = !ended.before || id < *ended.before;
        if (is_before && has_words(record, query.text)) add(short_document(record));
    }
    if (!*state || store::is_final(**state)) {
        // Until its end is on the disk, a job is shown as it was before.
        ended.count_max += engine_.ending_jobs().size();
        for (const store::JobRecord& record : engine_.jobs().ended_jobs(ended)) {
            if (!is_open(record.id)) add(short_document(record));
        }
    }
    const bool has_more = found.size() > query.limit;
    while (found.size() > query.limit) found.erase(found.begin());
    api::ListPage page;
    if (has_more) page.next = std::to_string(found.begin()->first);
    for (auto& [id, document] : found) page.items.push_back(std::move(document));
    return page;
}

}  // namespace netcompute::engine
