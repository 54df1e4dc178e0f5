#pragma once

#include <netcompute/ids.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace netcompute::core {

/// What is known of one task of a round.
struct Task {
    std::uint32_t author = 0;     ///< Low half of the worker's id: ids are counters.
    std::uint32_t confirmer = 0;  ///< Likewise.
    std::uint8_t holders = 0;
    std::uint8_t checkers = 0;
    std::uint8_t infrastructure_failures = 0;
    std::uint8_t own_failures = 0;
    bool has_output : 1 = false;
    bool settled : 1 = false;
    bool confirmed : 1 = false;
    bool wants_check : 1 = false;
    bool audited : 1 = false;
    bool closing : 1 = false;
    /// It once had an output: if that is dropped, the task waits in a queue, not among the fresh.
    bool had_output : 1 = false;
    friend bool operator==(const Task&, const Task&) = default;

    /// Nothing is going on about it, and maybe never will be again.
    [[nodiscard]] bool is_quiet() const {
        return settled && holders == 0 && checkers == 0 && !wants_check && !audited;
    }
};

/// The tasks of a round and the hashes of their outputs. A round may have ten million tasks, so
/// they lie in pages: one that nobody has touched takes no memory, and one all of whose tasks are
/// quiet is kept as runs of equal tasks. Copies share their pages until either changes one.
class TaskPages {
 public:
    static constexpr std::uint32_t page_tasks = 4096;

    explicit TaskPages(std::uint32_t count);

    [[nodiscard]] std::uint32_t size() const { return size_; }
    /// There are so many tasks, at least as many as now.
    void grow(std::uint32_t count);

    /// The reference holds until a task is changed.
    [[nodiscard]] const Task& operator[](TaskIndex index) const;
    /// The end of the stretch of equal tasks that begins here; it does not leave the page.
    [[nodiscard]] TaskIndex end_of_equals(TaskIndex first) const;
    /// Of its output; Sha256{} where there has been none.
    [[nodiscard]] const Sha256& sha256(TaskIndex index) const;
    void set_sha256(TaskIndex index, const Sha256& sha256);

    /// Has `edit` change the task, and returns what it returns.
    template <typename Edit>
    auto change(TaskIndex index, Edit&& edit) {
        Task& task = edited(index);
        struct Counted {
            TaskPages& pages;
            TaskIndex index;
            Task& task;
            Task before = task;
            ~Counted() { pages.count(index, before, task); }
        } const counted{*this, index, task};
        return edit(task);
    }

    [[nodiscard]] std::uint32_t settled_count() const { return settled_count_; }
    [[nodiscard]] std::uint32_t output_count() const { return output_count_; }

    /// Where the next task lies, from `first` on, that is not in a page without anything going on
    /// (untouched, or quiet throughout); size() if there is none.
    [[nodiscard]] TaskIndex next_busy(TaskIndex first) const;
    /// What all of it takes, in bytes, shared pages included.
    [[nodiscard]] std::size_t memory_bytes() const;

 private:
    struct Run {
        Task task;
        std::uint32_t end = 0;  ///< Within the page.
    };
    struct Page {
        std::vector<Task> tasks;     ///< Empty if `runs` say it all.
        std::vector<Run> runs;       ///< Empty unless the page is quiet.
        std::vector<Sha256> hashes;  ///< One a task; or one, where all are equal.
        std::uint32_t quiet_count = 0;
    };

    [[nodiscard]] static const Run& run_at(const Page& page, std::uint32_t place);
    [[nodiscard]] std::uint32_t tasks_in(std::size_t page) const;
    /// Open for changes, and shared with nobody.
    [[nodiscard]] Page& opened(std::size_t page);
    [[nodiscard]] Task& edited(TaskIndex index);
    void count(TaskIndex index, const Task& before, const Task& after);
    static void pack(Page& page);

    std::uint32_t size_ = 0;
    std::uint32_t settled_count_ = 0;
    std::uint32_t output_count_ = 0;
    std::vector<std::shared_ptr<Page>> pages_;
};

}  // namespace netcompute::core
