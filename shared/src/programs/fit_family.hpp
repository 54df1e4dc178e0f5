#pragma once

#include "fit_rows.hpp"
#include <netcompute/kernels/memo.hpp>
#include <netcompute/programs/fit.hpp>
#include <netcompute/programs/program.hpp>
#include <netcompute/programs/train.hpp>

#include <functional>
#include <string>
#include <vector>

// What families of fit@2 are made of: one is a function in a file of its own, and a line in
// fit_families.inc.

namespace netcompute::programs {

/// What a family has found in the training rows of a fold.
struct Fitted {
    std::string failure = {};  ///< Why there is no model. Else empty.
    double steps = 0;          ///< Iterations, sweeps or trees.
    /// The scores of other rows in the family's form: [rows][width]. Its errors are failures too.
    std::function<Result<std::vector<double>>(const RowBlocks& rows)> score = {};
};
[[nodiscard]] Fitted fit_failure(const Error& error);

/// An error of the task itself: these are no parameters of the family.
[[nodiscard]] Unexpected bad_fit_params(ByteSpan params);

/// By FitFamily: what it learns from the rows of a fold, with the parameters of a task. Errors are
/// for what is no such task; a fit that finds no model is a failure.
#define NETCOMPUTE_FIT_FAMILY(name, function, rows_form)                              \
    [[nodiscard]] Result<Fitted> function(const FitTable& table, const FitRows& rows, \
                                          ByteSpan params);
#include <netcompute/programs/fit_families.inc>
#undef NETCOMPUTE_FIT_FAMILY

/// Runs programs over a fold's rows, which outlive it. Blobs are called by their numbers: nobody
/// else sees the names.
class FoldRun {
 public:
    FoldRun();
    BlobRef add(ByteSpan bytes);
    std::vector<BlobRef> add(const std::vector<Bytes>& list);
    Result<void> run(Program& program);

 private:
    std::vector<ByteSpan> blobs_;
    kernels::MemoStore memo_;
};

/// The training rows, as the programs over tiles take them.
[[nodiscard]] std::vector<TrainingShard> add_shards(FoldRun& fold, const FitRows& rows);
/// Their labels, in order.
[[nodiscard]] std::vector<double> labels_of(const FitRows& rows);

/// Fitted::score by a program that scores blocks: `Plan` begins with blobs and their rows.
template <typename ScoresProgram, typename MakePlan>
auto scored_by(MakePlan make_plan) {
    return [make_plan](const RowBlocks& rows) -> Result<std::vector<double>> {
        FoldRun fold;
        ScoresProgram scoring{make_plan(fold.add(rows.blocks), rows.counts)};
        if (auto ran = fold.run(scoring); !ran) return unexpected(ran.error());
        return scoring.scores();
    };
}

}  // namespace netcompute::programs
