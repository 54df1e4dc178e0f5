#include "core/task_pages.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>

namespace netcompute::core {
namespace {

constexpr Task fresh_task{};
constexpr Sha256 no_hash{};

constexpr std::size_t page_of(TaskIndex index) {
    return index / TaskPages::page_tasks;
}
constexpr std::uint32_t place_of(TaskIndex index) {
    return index % TaskPages::page_tasks;
}

}  // namespace

TaskPages::TaskPages(std::uint32_t count) {
    grow(count);
}

void TaskPages::grow(std::uint32_t count) {
    NETCOMPUTE_ASSERT(count >= size_, "a round has the tasks that it had");
    // The last page may get more tasks.
    const std::size_t last = page_of(size_);
    const bool extends = place_of(size_) != 0 && count > size_ && pages_[last] != nullptr;
    if (extends) static_cast<void>(opened(last));
    size_ = count;
    pages_.resize((std::size_t{count} + page_tasks - 1) / page_tasks);
    if (!extends) return;
    pages_[last]->tasks.resize(tasks_in(last));
    pages_[last]->hashes.resize(tasks_in(last));
}

std::uint32_t TaskPages::tasks_in(std::size_t page) const {
    return static_cast<std::uint32_t>(std::min<std::size_t>(page_tasks, size_ - page * page_tasks));
}

const TaskPages::Run& TaskPages::run_at(const Page& page, std::uint32_t place) {
    return *std::ranges::upper_bound(page.runs, place, {}, &Run::end);
}

const Task& TaskPages::operator[](TaskIndex index) const {
    const Page* const page = pages_.at(page_of(index)).get();
    if (page == nullptr) return fresh_task;
    if (page->tasks.empty()) return run_at(*page, place_of(index)).task;
    return page->tasks.at(place_of(index));
}

TaskIndex TaskPages::end_of_equals(TaskIndex first) const {
    const std::size_t number = page_of(first);
    const Page* const page = pages_.at(number).get();
    const auto begin = static_cast<TaskIndex>(number * page_tasks);
    if (page == nullptr) return begin + tasks_in(number);
    if (page->tasks.empty()) return begin + run_at(*page, place_of(first)).end;
    std::uint32_t place = place_of(first);
    const Task& task = page->tasks[place];
    while (place < page->tasks.size() && page->tasks[place] == task) ++place;
    return begin + place;
}

const Sha256& TaskPages::sha256(TaskIndex index) const {
    const Page* const page = pages_.at(page_of(index)).get();
    if (page == nullptr) return no_hash;
    return page->hashes.size() == 1 ? page->hashes.front() : page->hashes.at(place_of(index));
}

void TaskPages::set_sha256(TaskIndex index, const Sha256& sha256) {
    opened(page_of(index)).hashes.at(place_of(index)) = sha256;
}

TaskPages::Page& TaskPages::opened(std::size_t number) {
    std::shared_ptr<Page>& page = pages_.at(number);
    if (page == nullptr) {
        page = std::make_shared<Page>();
        page->tasks.resize(tasks_in(number));
        page->hashes.resize(tasks_in(number));
        return *page;
    }
    if (page.use_count() > 1) page = std::make_shared<Page>(*page);
    if (!page->tasks.empty()) return *page;
    page->tasks.reserve(tasks_in(number));
    for (const Run& run : page->runs) page->tasks.resize(run.end, run.task);
    page->runs = std::vector<Run>{};
    if (page->hashes.size() == 1) {
        const Sha256 all = page->hashes.front();
        page->hashes.assign(page->tasks.size(), all);
    }
    return *page;
}

Task& TaskPages::edited(TaskIndex index) {
    return opened(page_of(index)).tasks.at(place_of(index));
}

void TaskPages::count(TaskIndex index, const Task& before, const Task& after) {
    if (before.settled != after.settled) settled_count_ += after.settled ? 1U : ~0U;
    if (before.has_output != after.has_output) output_count_ += after.has_output ? 1U : ~0U;
    if (before.is_quiet() == after.is_quiet()) return;
    Page& page = *pages_[page_of(index)];
    if (!after.is_quiet()) {
        --page.quiet_count;
    } else if (++page.quiet_count == page.tasks.size()) {
        pack(page);
    }
}

void TaskPages::pack(Page& page) {
    for (std::uint32_t place = 0; place < page.tasks.size(); ++place) {
        if (page.runs.empty() || !(page.runs.back().task == page.tasks[place])) {
            page.runs.push_back({page.tasks[place], place});
        }
        page.runs.back().end = place + 1;
    }
    page.runs.shrink_to_fit();
    page.tasks = std::vector<Task>{};  // `{}` alone would keep its memory.
    const bool all_equal = std::ranges::all_of(
        page.hashes, [&](const Sha256& hash) { return hash == page.hashes.front(); });
    if (all_equal) page.hashes = std::vector<Sha256>{page.hashes.front()};
}

TaskIndex TaskPages::next_busy(TaskIndex first) const {
    for (std::size_t page = page_of(first); page < pages_.size(); ++page) {
        if (pages_[page] == nullptr || pages_[page]->tasks.empty()) continue;
        return std::max(first, static_cast<TaskIndex>(page * page_tasks));
    }
    return size_;
}

std::size_t TaskPages::memory_bytes() const {
    std::size_t bytes = pages_.capacity() * sizeof pages_.front();
    for (const auto& page : pages_) {
        if (page == nullptr) continue;
        bytes += sizeof(Page) + page->tasks.capacity() * sizeof(Task) +
                 page->runs.capacity() * sizeof(Run) + page->hashes.capacity() * sizeof(Sha256);
    }
    return bytes;
}

}  // namespace netcompute::core
