#pragma once

#include <netcompute/programs/program.hpp>

namespace netcompute::programs {

/// What programs have in common: a checkpoint that begins with a tag and is taken whole or refused
/// whole, and folds that get one output a task. A program of its own says round(), task_inputs(),
/// fold(), write_state(), read_state() and result_bytes().
class ManyRounds : public Program {
 public:
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs,
                                            RoundWork& work) override;
    [[nodiscard]] Bytes checkpoint() const final;
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) final;

 protected:
    /// `name` begins its messages; `tag` begins its checkpoints: four characters that no other
    /// program has, the last one a version ("PMP1").
    ManyRounds(std::string_view name, const char (&tag)[5]);

    /// Folds the outputs of the round that is due, in order of task index, and moves to the next
    /// round; publishes what later rounds read. Errors as for finish_round(); after one the program
    /// is not used again.
    [[nodiscard]] virtual Result<void> fold(std::span<const ByteSpan> outputs, RoundWork& work) = 0;

    /// Everything that the folds so far have made.
    virtual void write_state(ByteWriter& state) const = 0;

    /// Takes what write_state() of a program with the same arguments has written; whether it was
    /// that. What it changed of a state that is refused is put back.
    [[nodiscard]] virtual bool read_state(ByteReader& state) = 0;

 private:
    [[nodiscard]] bool take(ByteSpan checkpoint);

    std::string_view name_;
    std::uint32_t tag_ = 0;
};

/// A program of one round of tasks that do not depend on each other. One of its own says
/// only_round(), task_inputs() and fold(), and writes and reads what the fold made.
class OneRound : public ManyRounds {
 public:
    [[nodiscard]] std::optional<Round> round() const final;
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs,
                                            RoundWork& work) final;
    /// What write_result() writes, unless a program says otherwise.
    [[nodiscard]] Bytes result_bytes() const override;

 protected:
    using ManyRounds::ManyRounds;

    [[nodiscard]] virtual Round only_round() const = 0;

    /// What fold() has made; before it, what the constructor has.
    virtual void write_result(ByteWriter& result) const = 0;

    /// Takes what write_result() has written, before or after the fold as is_finished() tells;
    /// whether it was that.
    [[nodiscard]] virtual bool read_result(ByteReader& result) = 0;

    [[nodiscard]] bool is_finished() const { return is_finished_; }

 private:
    void write_state(ByteWriter& state) const final;
    [[nodiscard]] bool read_state(ByteReader& state) final;

    bool is_finished_ = false;
};

}  // namespace netcompute::programs
