#include "engine/round_outputs.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::engine {

RoundOutputs::RoundOutputs(std::uint32_t task_count)
    : task_count_{task_count}, pages_((std::size_t{task_count} + page_tasks - 1) / page_tasks) {}

std::uint32_t RoundOutputs::tasks_in(std::size_t page) const {
    return static_cast<std::uint32_t>(
        std::min<std::size_t>(page_tasks, task_count_ - page * page_tasks));
}

bool RoundOutputs::has(TaskIndex index) const {
    const std::size_t page_index = index / page_tasks;
    const Page& page = pages_.at(page_index);
    if (page.count == 0 || page.outputs.empty()) return page.count == tasks_in(page_index);
    return page.outputs[index % page_tasks].is_there;
}

void RoundOutputs::put(TaskIndex index, ByteSpan bytes, std::shared_ptr<const Bytes> owner) {
    const std::size_t number = index / page_tasks;
    Page& page = pages_.at(number);
    const std::uint32_t task_count = tasks_in(number);
    if (page.outputs.empty()) unpack(page, task_count);
    Output& output = page.outputs.at(index % page_tasks);
    if (!output.is_there) {
        ++page.count;
        ++count_;
    }
    output_bytes_ += bytes.size() - output.bytes.size();
    output = {bytes, std::move(owner), true};
    if (page.count == task_count) pack(page);
}

void RoundOutputs::pack(Page& page) {
    std::size_t total = 0;
    for (const Output& output : page.outputs) total += output.bytes.size();
    if (total > packed_bytes_max) return;  // Their owners are little beside them.
    const std::size_t first = page.outputs.front().bytes.size();
    const bool all_alike = std::ranges::all_of(
        page.outputs, [&](const Output& output) { return output.bytes.size() == first; });
    Bytes packed;
    packed.reserve(total);
    std::vector<std::uint32_t> ends;
    if (!all_alike) ends.reserve(page.outputs.size());
    for (const Output& output : page.outputs) {
        packed.insert(packed.end(), output.bytes.begin(), output.bytes.end());
        if (!all_alike) ends.push_back(static_cast<std::uint32_t>(packed.size()));
    }
    page = {{}, page.count, std::move(packed), static_cast<std::uint32_t>(first), std::move(ends)};
}

/// Makes room for outputs, and puts back those that were packed.
void RoundOutputs::unpack(Page& page, std::uint32_t task_count) {
    Page opened;
    opened.outputs.resize(task_count);
    opened.count = page.count;
    if (page.count > 0) {
        for (std::uint32_t place = 0; place < task_count; ++place) {
            const ByteSpan bytes = packed_output(page, place);
            auto owner = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
            opened.outputs[place] = {ByteSpan{*owner}, owner, true};
        }
    }
    page = std::move(opened);
}

ByteSpan RoundOutputs::packed_output(const Page& page, std::uint32_t place) {
    const ByteSpan all{page.packed};
    if (page.ends.empty()) {
        return all.subspan(std::size_t{place} * page.output_bytes, page.output_bytes);
    }
    const std::uint32_t begin = place == 0 ? 0 : page.ends[place - 1];
    return all.subspan(begin, page.ends[place] - begin);
}

std::vector<ByteSpan> RoundOutputs::views() const {
    std::vector<ByteSpan> views;
    views.reserve(task_count_);
    for (std::size_t number = 0; number < pages_.size(); ++number) {
        const Page& page = pages_[number];
        for (std::uint32_t place = 0; place < tasks_in(number); ++place) {
            if (!page.outputs.empty())
                views.push_back(page.outputs[place].bytes);
            else
                views.push_back(page.count > 0 ? packed_output(page, place) : ByteSpan{});
        }
    }
    return views;
}

std::size_t RoundOutputs::memory_bytes() const {
    std::size_t bytes = pages_.capacity() * sizeof(Page);
    for (const Page& page : pages_) {
        bytes += page.outputs.capacity() * sizeof(Output) + page.packed.capacity() +
                 page.ends.capacity() * sizeof(std::uint32_t);
    }
    return bytes;
}

}  // namespace netcompute::engine
