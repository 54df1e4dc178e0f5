#pragma once

#include "engine/engine_host.hpp"
#include "store/job_store.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace netcompute::engine {

/// The decisions of one turn of the engine, and what waits until they are written.
struct TurnRecords {
    using Answer = std::function<void(Result<void>)>;

    std::vector<store::Record> records;
    /// Messages to workers: sent once the records survive the end of this process (commit).
    std::vector<std::function<void()>> sends;
    /// Promises: made once the records survive a power cut (flush).
    std::vector<std::function<void()>> promises;
    /// The callers. They are answered with the promises or, at once, that it cannot be written
    /// now; the records are still written later.
    std::vector<Answer> answers;
    /// Undoes what was begun before it was written; called only if it cannot be written now.
    std::vector<std::function<void()>> undoings;
};

/// Writes turns to the store. Commits are made in order, without waiting for the disk: a thread of
/// the host does that, while turns go on. Turns that come while a commit has to wait go into the
/// next one together. If the store cannot be written, everything waits, in order, for retry().
class CommitPipeline {
 public:
    /// All of them outlive it. `on_trouble` is called when the store cannot be written any more
    /// (true), and when it can be again (false).
    CommitPipeline(EngineHost& host, store::JobStore& store, std::function<void(bool)> on_trouble);

    /// May send at once. Not to be called from what it calls.
    void add(TurnRecords turn);
    /// Tells when all that was added so far survives a power cut; at once if so, or if the store
    /// cannot be written.
    void when_flushed(TurnRecords::Answer answer);
    /// Retries what failed.
    void retry();
    /// Why the store cannot be written; empty if it can.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
    /// What hangs on the flush of a commit.
    struct Promised {
        std::uint64_t commit = 0;
        std::vector<std::function<void()>> promises;
        std::vector<TurnRecords::Answer> answers;
        std::vector<std::function<void()>> undoings;
        [[nodiscard]] bool is_relied_on() const { return !promises.empty() || !answers.empty(); }
    };
    enum class Staging { Due, UnderWay, Done };

    void advance();
    [[nodiscard]] bool stage_first();
    void staged(const Result<void>& result);
    [[nodiscard]] bool commit_first();
    void keep_up();
    void flush();
    void flushed(std::uint64_t commit, const Result<void>& result);
    void fail(const Error& error);
    static void refuse(std::vector<TurnRecords::Answer>& answers,
                       std::vector<std::function<void()>>& undoings, const Error& error);
    void recover();

    EngineHost& host_;
    store::JobStore& store_;
    std::function<void(bool)> on_trouble_;
    std::deque<TurnRecords> waiting_;  ///< To be committed; more than one only while that waits.
    Staging first_staging_ = Staging::Due;  ///< Of the first one's large outputs.
    bool keeping_up_ = false;
    bool held_ = false;               ///< Until the upkeep is done.
    std::deque<Promised> committed_;  ///< To be flushed.
    std::uint64_t commits_ = 0;
    std::uint64_t flushed_ = 0;  ///< So many of them.
    bool flushing_ = false;
    bool flush_failed_ = false;
    std::string trouble_;
};

}  // namespace netcompute::engine
