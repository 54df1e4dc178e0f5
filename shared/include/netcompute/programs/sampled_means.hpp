#pragma once

#include <netcompute/programs/rounds.hpp>

#include <vector>

namespace netcompute::programs {

/// How many samples a simulation takes.
struct Sampling {
    std::uint64_t samples = 0;      ///< Of the first round, at least 1.
    std::uint64_t samples_max = 0;  ///< Of all rounds; used where there is a bound.
    double standard_error_max = 0;  ///< The bound: further rounds until it is met. 0: none.
    std::uint64_t seed = 0;
};

/// Means over independent samples, and rounds of them until the standard error of what is estimated
/// is below a bound. A task gives sums over its samples, as f64; the fold adds them in order of
/// task index. How many samples a round has follows from the sums alone, never from workers.
class SampledMeans : public ManyRounds {
 public:
    [[nodiscard]] std::optional<Round> round() const final;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const final;
    [[nodiscard]] Progress progress() const final;
    /// u64 samples, then the sums.
    [[nodiscard]] Bytes result_bytes() const final;

    /// Folded so far.
    [[nodiscard]] std::uint64_t samples() const { return samples_; }
    /// Of what the bound is for.
    [[nodiscard]] virtual double standard_error() const = 0;
    /// Whether the bound, if there is one, was met.
    [[nodiscard]] bool met_its_bound() const;

 protected:
    /// A task has `samples_per_task` of them and a kernel of this name, version 1, whose output is
    /// `sum_count` finite f64.
    SampledMeans(std::string_view name, const char (&tag)[5], const Sampling& sampling,
                 std::uint64_t samples_per_task, std::size_t sum_count);

    /// Over all samples so far, as the kernel has them.
    [[nodiscard]] std::span<const double> sums() const { return sums_; }

    /// What the kernel reads for the samples [first, first + count).
    [[nodiscard]] virtual Bytes task_input(std::uint64_t first, std::uint64_t count) const = 0;

 private:
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) final;
    void write_state(ByteWriter& state) const final;
    [[nodiscard]] bool read_state(ByteReader& state) final;
    [[nodiscard]] std::uint64_t next_target() const;

    std::string_view kernel_;
    Sampling sampling_;
    std::uint64_t samples_per_task_ = 1;
    std::uint64_t samples_ = 0;
    std::uint64_t target_ = 0;  ///< How many there are once the round that is due is folded.
    /// The first one's number in the round that is due. Each task of a round has a whole range of
    /// numbers, used up or not, so ranges begin where kernels can begin.
    std::uint64_t next_sample_ = 0;
    std::vector<double> sums_;
};

/// The sample variance of a mean: of `count` samples with this sum and sum of squares.
[[nodiscard]] double variance_of_mean(double sum, double squares, double count);

}  // namespace netcompute::programs
