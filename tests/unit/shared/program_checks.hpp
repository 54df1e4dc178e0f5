#pragma once

#include "fold_here.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/programs/program.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace netcompute::testing {

/// The outputs of the round that is due, computed here.
inline std::vector<Bytes> round_outputs(const programs::Program& program,
                                        const programs::BlobSource& blobs) {
    const auto round = program.round();
    const auto* const kernel = kernels::find_kernel(round->kernel, round->kernel_version);
    std::vector<Bytes> outputs;
    for (TaskIndex index = 0; index < round->task_count; ++index) {
        std::vector<programs::TaskInput> inputs = round->shared_inputs;
        for (auto& own : program.task_inputs(index)) inputs.push_back(own);
        std::vector<ByteSpan> spans;
        for (const programs::TaskInput& input : inputs) {
            const auto* const bytes = std::get_if<Bytes>(&input);
            spans.push_back(bytes != nullptr ? ByteSpan{*bytes}
                                             : *blobs(std::get<programs::BlobRef>(input).sha256));
        }
        outputs.push_back(kernels::run_once(*kernel, spans).value());
    }
    return outputs;
}

inline std::vector<ByteSpan> spans_of(const std::vector<Bytes>& outputs) {
    return {outputs.begin(), outputs.end()};
}

using ProgramMaker = std::function<std::unique_ptr<programs::Program>()>;

/// Stops and restores the program at each boundary of its rounds, and expects the same rounds and
/// the same result as without. `look` sees it at each. Returns how many boundaries there were.
inline std::size_t expect_restarts_to_change_nothing(
    const ProgramMaker& make, const programs::BlobSource& blobs,
    const std::function<void(programs::Program&)>& look = {}) {
    const auto whole = make();
    EXPECT_TRUE(programs::run_in_process(*whole, blobs));
    auto current = make();
    std::size_t boundaries = 0;
    while (true) {
        auto restored = make();
        EXPECT_TRUE(restored->restore(current->checkpoint()));
        EXPECT_EQ(restored->checkpoint(), current->checkpoint());
        current = std::move(restored);
        ++boundaries;
        if (look) look(*current);
        if (!current->round()) break;
        const std::vector<Bytes> outputs = round_outputs(*current, blobs);
        EXPECT_TRUE(test_support::fold_here(*current, spans_of(outputs)));
    }
    EXPECT_EQ(current->result_bytes(), whole->result_bytes());
    EXPECT_EQ(current->checkpoint(), whole->checkpoint());
    return boundaries;
}

/// A checkpoint without its last byte must be refused.
inline void expect_a_cut_checkpoint_to_be_refused(programs::Program& program) {
    Bytes cut = program.checkpoint();
    cut.pop_back();
    EXPECT_FALSE(program.restore(cut));
}

/// Cuts a checkpoint at every byte, and lengthens it: each must be refused and change nothing.
inline void expect_damaged_checkpoints_to_be_refused(programs::Program& program) {
    const Bytes good = program.checkpoint();
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(program.restore(ByteSpan{good}.first(size)).error().code,
                  ErrorCode::InvalidArgument)
            << size << " bytes";
    }
    Bytes longer = good;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(program.restore(longer));
    Bytes other = good;
    other[0] ^= std::byte{1};
    EXPECT_FALSE(program.restore(other));
    EXPECT_EQ(program.checkpoint(), good);
    EXPECT_TRUE(program.restore(good));
}

/// Gives task 0 an output that is cut, lengthened or empty: the fold must refuse each.
inline void expect_wrong_sizes_to_be_refused(programs::Program& program,
                                             const programs::BlobSource& blobs) {
    const std::vector<Bytes> good = round_outputs(program, blobs);
    std::vector<Bytes> bad = good;
    bad[0].pop_back();
    EXPECT_EQ(test_support::fold_here(program, spans_of(bad)).error().code,
              ErrorCode::ShapeMismatch);
    bad[0] = good[0];
    bad[0].push_back(std::byte{0});
    EXPECT_EQ(test_support::fold_here(program, spans_of(bad)).error().code,
              ErrorCode::ShapeMismatch);
    bad[0].clear();
    EXPECT_EQ(test_support::fold_here(program, spans_of(bad)).error().code,
              ErrorCode::ShapeMismatch);
    EXPECT_TRUE(test_support::fold_here(program, spans_of(good)));
}

}  // namespace netcompute::testing
