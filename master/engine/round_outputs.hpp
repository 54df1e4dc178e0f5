#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace netcompute::engine {

/// The outputs of a round in progress, for its fold. They lie in pages: one that has none yet takes
/// no memory, and one that has all of its small outputs keeps their bytes and little else.
class RoundOutputs {
 public:
    explicit RoundOutputs(std::uint32_t task_count = 0);

    [[nodiscard]] std::uint32_t task_count() const { return task_count_; }
    /// How many tasks have one.
    [[nodiscard]] std::uint32_t count() const { return count_; }
    /// Of all outputs together.
    [[nodiscard]] std::uint64_t output_bytes() const { return output_bytes_; }
    [[nodiscard]] bool has(TaskIndex index) const;
    /// Keeps the output of a task, in place of another that it may have; `owner` keeps the bytes
    /// alive.
    void put(TaskIndex index, ByteSpan bytes, std::shared_ptr<const Bytes> owner);
    /// By index; nothing where there is none. They hold as long as this is not changed.
    [[nodiscard]] std::vector<ByteSpan> views() const;
    /// What all of it takes, but for the owners of outputs in unfinished pages.
    [[nodiscard]] std::size_t memory_bytes() const;

 private:
    static constexpr std::uint32_t page_tasks = 4096;
    static constexpr std::size_t packed_bytes_max = std::size_t{page_tasks} << 10;

    struct Output {
        ByteSpan bytes;
        std::shared_ptr<const Bytes> owner;
        bool is_there = false;
    };
    struct Page {
        std::vector<Output> outputs;  ///< Empty once packed, and before the first one.
        std::uint32_t count = 0;
        Bytes packed;                     ///< One output after the other.
        std::uint32_t output_bytes = 0;   ///< Of each one, if all have the same size, and else
        std::vector<std::uint32_t> ends;  ///< where each ends.
    };

    [[nodiscard]] std::uint32_t tasks_in(std::size_t page) const;
    static void pack(Page& page);
    static void unpack(Page& page, std::uint32_t task_count);
    [[nodiscard]] static ByteSpan packed_output(const Page& page, std::uint32_t place);

    std::uint32_t task_count_ = 0;
    std::uint32_t count_ = 0;
    std::uint64_t output_bytes_ = 0;
    std::vector<Page> pages_;
};

}  // namespace netcompute::engine
