#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/programs/round_work.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace netcompute::programs {

/// Bytes that ride in the task itself, or the name of a blob.
using TaskInput = std::variant<Bytes, BlobRef>;

/// One round: `task_count` independent calls of one kernel.
struct Round {
    std::string_view kernel;
    std::uint32_t kernel_version = 0;
    std::vector<TaskInput> shared_inputs;  ///< The first inputs of every task of the round.
    std::uint32_t task_count = 0;          ///< At least 1.
};

/// How far a program has come, for people; no bit of a result depends on it.
struct Progress {
    /// Of all its work, from 0 to 1; nothing where that cannot be told.
    std::optional<double> fraction;
    /// As the last fold left them, each with its name: "objective", "iterations", ….
    std::vector<std::pair<std::string_view, double>> metrics;
};

/// A job's plan: which tasks, how their outputs fold into a result, whether another round follows.
/// Pure: everything comes from the constructor's arguments and the outputs, so a program gives the
/// same bits spread over any workers and in one process (run_in_process).
class Program {
 public:
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    virtual ~Program() = default;

    /// The round that is due; nothing once the program has finished.
    [[nodiscard]] virtual std::optional<Round> round() const = 0;

    /// The inputs of one task of the round that is due, besides the shared ones.
    [[nodiscard]] virtual std::vector<TaskInput> task_inputs(TaskIndex index) const = 0;

    /// Folds the round's outputs, one a task, in order of their index, and moves to the next
    /// round. What tasks of later rounds should read is published by `work`. Errors end the job: an
    /// output of the wrong shape, a fit that does not converge.
    [[nodiscard]] virtual Result<void> finish_round(std::span<const ByteSpan> outputs,
                                                    RoundWork& work) = 0;

    /// The blobs that folds have published and that the state still names, in any order. They live
    /// as long as a kept state names them; one that is left out once is gone for good, unless it is
    /// published again.
    [[nodiscard]] virtual std::vector<BlobRef> blobs() const { return {}; }

    /// Everything that the folds so far have made, for a restart at this round's boundary.
    [[nodiscard]] virtual Bytes checkpoint() const = 0;

    /// Takes the state of checkpoint() of a program made with the same arguments.
    /// Errors: InvalidArgument if the bytes are not such a state.
    [[nodiscard]] virtual Result<void> restore(ByteSpan checkpoint) = 0;

    /// Where it stands. A program of one round need not say: its tasks tell.
    [[nodiscard]] virtual Progress progress() const { return {}; }

    /// The canonical bytes of the result once finished; their SHA-256 is compared across runs.
    [[nodiscard]] virtual Bytes result_bytes() const = 0;
};

/// Program::finish_round(), and a look whether its state names only what was published. Errors: as
/// there; Internal for a blob that it names and that was neither published now nor named before.
[[nodiscard]] Result<void> fold_round(Program& program, std::span<const ByteSpan> outputs,
                                      RoundWork& work);

/// Where run_in_process() finds the blobs that tasks name: the bytes live as long as the program
/// runs. Nothing for a blob that is not there.
using BlobSource = std::function<std::optional<ByteSpan>(const Sha256&)>;

/// What tasks are computed here with. The outputs are the same bits whatever `memo` is.
struct ComputeOptions {
    kernels::MemoValues* memo = nullptr;  ///< Null: nothing is remembered between tasks.
    kernels::FindKernel find_kernel = kernels::find_kernel;
};

/// Runs one task here: the kernel over `inputs`, the round's shared ones first. Errors: NotFound
/// for a kernel or a blob that is not there; the kernel's own.
[[nodiscard]] Result<Bytes> run_task(std::string_view kernel, std::uint32_t kernel_version,
                                     std::span<const TaskInput> inputs, const BlobSource& blobs,
                                     const ComputeOptions& options = {});

/// Computes one task of `round`, the one of `program` that is due, here.
/// Errors: NotFound for a kernel or a blob that is not there; those of the kernel.
[[nodiscard]] Result<Bytes> run_task(const Program& program, const Round& round, TaskIndex index,
                                     const BlobSource& blobs, const ComputeOptions& options = {});

/// Runs every round of a program here, one task after another: the reference that each
/// distributed run must equal bit for bit. Errors: those of the kernels and of the folds.
[[nodiscard]] Result<void> run_in_process(Program& program, const BlobSource& blobs,
                                          const ComputeOptions& options = {});

}  // namespace netcompute::programs
