#include "engine/commit_pipeline.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace netcompute::engine {
namespace {

template <typename T>
void append(std::vector<T>& to, std::vector<T>&& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// Runs on the host's disk thread; `then` gets the outcome on the engine's thread.
EngineHost::SlowWork on_disk(store::SlowWork work, std::function<void(const Result<void>&)> then) {
    return [work = std::move(work), then = std::move(then)]() -> EngineHost::Work {
        return [then, result = work()] { then(result); };
    };
}

}  // namespace

CommitPipeline::CommitPipeline(EngineHost& host, store::JobStore& store,
                               std::function<void(bool)> on_trouble)
    : host_{host}, store_{store}, on_trouble_{std::move(on_trouble)} {}

void CommitPipeline::add(TurnRecords turn) {
    if (!trouble_.empty()) {
        refuse(turn.answers, turn.undoings, {ErrorCode::Unavailable, trouble_});
    }
    const bool first_is_fixed = first_staging_ != Staging::Due;
    if (waiting_.size() > (first_is_fixed ? 1U : 0U)) {
        TurnRecords& last = waiting_.back();
        append(last.records, std::move(turn.records));
        append(last.sends, std::move(turn.sends));
        append(last.promises, std::move(turn.promises));
        append(last.answers, std::move(turn.answers));
        append(last.undoings, std::move(turn.undoings));
    } else {
        waiting_.push_back(std::move(turn));
    }
    advance();
}

void CommitPipeline::when_flushed(TurnRecords::Answer answer) {
    if (!trouble_.empty()) return answer(unexpected(ErrorCode::Unavailable, trouble_));
    if (!waiting_.empty()) return waiting_.back().answers.push_back(std::move(answer));
    if (flushed_ == commits_) return answer({});
    committed_.push_back({commits_, {}, {std::move(answer)}, {}});
    flush();
}

void CommitPipeline::retry() {
    if (trouble_.empty()) return;
    if (flush_failed_) return flush();
    if (held_ || first_staging_ == Staging::UnderWay || stage_first()) return;
    if (commit_first()) advance();
}

/// Commits what it can. The disk then works beside the next turns.
void CommitPipeline::advance() {
    while (!waiting_.empty() && !held_ && trouble_.empty()) {
        if (first_staging_ == Staging::UnderWay || stage_first() || !commit_first()) break;
    }
    if (!flush_failed_) flush();
    keep_up();
}

/// True if the first turn must wait for its large outputs to be written.
bool CommitPipeline::stage_first() {
    if (first_staging_ == Staging::Done) return false;
    store::SlowWork work = store_.stage(waiting_.front().records);
    if (!work) return false;
    first_staging_ = Staging::UnderWay;
    host_.wait_for_disk(
        on_disk(std::move(work), [this](const Result<void>& result) { staged(result); }));
    return true;
}

void CommitPipeline::staged(const Result<void>& result) {
    first_staging_ = result ? Staging::Done : Staging::Due;
    if (!result) return fail(result.error());
    if (!held_ && commit_first()) advance();
}

/// False if it cannot be written.
bool CommitPipeline::commit_first() {
    const auto& records = waiting_.front().records;
    if (!records.empty()) {
        const auto committed = store_.commit(records, store::Durability::Process);
        if (!committed) {
            fail(committed.error());
            return false;
        }
        ++commits_;
    }
    TurnRecords turn = std::move(waiting_.front());
    waiting_.pop_front();
    first_staging_ = Staging::Due;
    Promised promised{commits_, std::move(turn.promises), std::move(turn.answers),
                      std::move(turn.undoings)};
    if (promised.is_relied_on() || !promised.undoings.empty()) {
        committed_.push_back(std::move(promised));
    }
    if (!trouble_.empty() && !flush_failed_) recover();
    for (const auto& send : turn.sends) send();
    return true;
}

void CommitPipeline::keep_up() {
    if (keeping_up_) return;
    auto upkeep = store_.upkeep();
    if (!upkeep) return;
    keeping_up_ = true;
    held_ = upkeep->holds_commits;
    host_.wait_for_disk(on_disk(std::move(upkeep->work), [this](const Result<void>& result) {
        if (!result) spdlog::warn("{}", result.error().message);
        keeping_up_ = held_ = false;
        advance();
    }));
}

/// One flush at a time: requests that come during one share the next.
void CommitPipeline::flush() {
    const bool is_asked_for =
        flush_failed_ || std::ranges::any_of(committed_, &Promised::is_relied_on);
    if (flushing_ || !is_asked_for) return;
    flushing_ = true;
    host_.wait_for_disk(on_disk(store_.flush(), [this, commit = commits_](const auto& result) {
        flushing_ = false;
        flushed(commit, result);
    }));
}

void CommitPipeline::flushed(std::uint64_t commit, const Result<void>& result) {
    if (!result) {
        flush_failed_ = true;
        return fail(result.error());
    }
    flushed_ = commit;
    if (std::exchange(flush_failed_, false)) recover();
    while (!committed_.empty() && committed_.front().commit <= commit) {
        Promised promised = std::move(committed_.front());
        committed_.pop_front();
        for (const auto& keep : promised.promises) keep();
        for (const auto& answer : promised.answers) answer({});
    }
    advance();
}

/// Tells the callers that it cannot be written; everything else waits.
void CommitPipeline::fail(const Error& error) {
    const bool is_new = std::exchange(trouble_, error.message).empty();
    if (flush_failed_) {
        for (Promised& one : committed_) refuse(one.answers, one.undoings, error);
    }
    for (TurnRecords& turn : waiting_) refuse(turn.answers, turn.undoings, error);
    if (!is_new) return;
    spdlog::error("jobs wait: {}", trouble_);
    on_trouble_(true);
}

void CommitPipeline::refuse(std::vector<TurnRecords::Answer>& answers,
                            std::vector<std::function<void()>>& undoings, const Error& error) {
    const auto undo_all = std::exchange(undoings, {});
    for (const auto& answer : std::exchange(answers, {})) answer(unexpected(error));
    for (const auto& undo : undo_all) undo();
}

void CommitPipeline::recover() {
    spdlog::info("the store can be written again: jobs go on");
    trouble_.clear();
    on_trouble_(false);
}

}  // namespace netcompute::engine
