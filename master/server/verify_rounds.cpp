#include "server/verify_rounds.hpp"

#include <netcompute/json_file.hpp>

#include <random>
#include <set>

namespace netcompute::server {
namespace {

std::string named(std::string_view kernel, std::uint32_t version) {
    return std::string{kernel} + "@" + std::to_string(version);
}

std::string round_name(std::size_t round) {
    return "round " + std::to_string(round);
}

/// A number below `bound`, each as likely as any other.
std::uint64_t draw_below(std::mt19937_64& generator, std::uint64_t bound) {
    const std::uint64_t unfair = std::uint64_t{0} - (std::uint64_t{0} - bound) % bound;
    std::uint64_t number = generator();
    while (unfair != 0 && number >= unfair) number = generator();
    return number % bound;
}

/// `count` different numbers below `bound`, in order.
/// Source: Bentley and Floyd, "A sample of brilliance", CACM 30 (1987).
std::set<std::uint64_t> draw_sample(std::uint64_t count, std::uint64_t bound, std::uint64_t seed) {
    std::mt19937_64 generator{seed};
    std::set<std::uint64_t> drawn;
    for (std::uint64_t last = bound - std::min(count, bound); last < bound; ++last) {
        const std::uint64_t number = draw_below(generator, last + 1);
        drawn.insert(drawn.contains(number) ? last : number);
    }
    return drawn;
}

}  // namespace

RoundVerifier::RoundVerifier(const engine::Receipt& receipt, const store::BlobStore& blobs)
    : receipt_{receipt},
      // The store keeps what it once had, so the bytes outlive the file's handle.
      blobs_{[&blobs](const Sha256& name) -> std::optional<ByteSpan> {
          const auto file = blobs.find(name);
          return file ? std::optional{file->bytes()} : std::nullopt;
      }} {
    for (const engine::ReceiptRound& round : receipt.work.rounds) {
        verification_.tasks_total += round.outputs.size();
    }
}

Result<Verification> RoundVerifier::verify(jobs::PreparedJob& job,
                                           std::optional<std::uint64_t> sample,
                                           std::uint64_t seed) {
    verification_.seed = seed;
    if (auto checked = check_rounds(*job.program); !checked) return unexpected(checked.error());
    if (!verification_.differences.empty()) return std::move(verification_);
    if (sample)
        compute_some(*job.program, *sample, seed);
    else
        compute_all(job);
    return std::move(verification_);
}

/// That the receipt's rounds can be those of the program, from the start on; leaves the program at
/// the first one. Errors: a kernel that this build does not have is nobody's lie.
Result<void> RoundVerifier::check_rounds(programs::Program& program) {
    const auto& rounds = receipt_.work.rounds;
    if (rounds.empty())
        differs("the receipt has no round");
    else if (program.checkpoint() != rounds.front().state)
        differs("round 0: the receipt's state is not the one in which the job starts");
    for (std::size_t number = 0; number < rounds.size(); ++number) {
        const engine::ReceiptRound& given = rounds[number];
        if (!restore(program, number)) continue;
        const auto round = program.round();
        if (!round) {
            differs(round_name(number) + ": the job is over before it, by the receipt's state");
            continue;
        }
        const std::string here = named(round->kernel, round->kernel_version);
        const std::string there = named(given.kernel, given.kernel_version);
        if (round->kernel == given.kernel && here != there) {
            return unexpected(ErrorCode::InvalidArgument,
                              round_name(number) + " was computed with the kernel " + there +
                                  ", but this build computes it with " + here +
                                  ": verify it with " + receipt_.software);
        }
        if (here != there) {
            differs(round_name(number) + ": the receipt's kernel is " + there +
                    ", the program's is " + here);
        } else if (round->task_count != given.outputs.size()) {
            differs(round_name(number) + ": the receipt has " +
                    std::to_string(given.outputs.size()) + " results, the program has " +
                    std::to_string(round->task_count) + " tasks");
        }
    }
    return {};
}

/// Puts the program where it was as the round began; says whether that is a state of it.
bool RoundVerifier::restore(programs::Program& program, std::size_t round) {
    const auto restored = program.restore(receipt_.work.rounds[round].state);
    if (!restored) {
        differs(round_name(round) + ": the receipt's state: " + restored.error().message);
    }
    return restored.has_value();
}

void RoundVerifier::compute_some(programs::Program& program, std::uint64_t sample,
                                 std::uint64_t seed) {
    const auto drawn = draw_sample(sample, verification_.tasks_total, seed);
    auto next = drawn.begin();
    std::uint64_t first = 0;  // The number, in the whole job, of the round's first task.
    for (std::size_t number = 0; number < receipt_.work.rounds.size(); ++number) {
        const std::uint64_t end = first + receipt_.work.rounds[number].outputs.size();
        if (next != drawn.end() && *next < end) {
            if (!restore(program, number)) return;
            const auto round = program.round();
            for (; next != drawn.end() && *next < end; ++next) {
                const auto index = static_cast<TaskIndex>(*next - first);
                static_cast<void>(compute(program, *round, {number, index}));
            }
        }
        first = end;
    }
}

void RoundVerifier::compute_all(jobs::PreparedJob& job) {
    programs::Program& program = *job.program;
    for (std::size_t number = 0; number < receipt_.work.rounds.size(); ++number) {
        // From the receipt's own state, so that each mistake is told where it is.
        if (!restore(program, number)) return;
        const auto round = program.round();
        std::vector<Bytes> outputs;
        outputs.reserve(round->task_count);
        for (TaskIndex index = 0; index < round->task_count; ++index) {
            outputs.push_back(compute(program, *round, {number, index}));
        }
        if (!fold(program, number, outputs)) return;
    }
    compare_result(job);
}

/// Computes one task and compares it with the receipt's.
Bytes RoundVerifier::compute(const programs::Program& program, const programs::Round& round,
                             Place place) {
    ++verification_.tasks_computed;
    const std::string where =
        round_name(place.round) + " task " + std::to_string(place.index) + ": ";
    auto output = programs::run_task(program, round, place.index, blobs_);
    if (!output) {
        differs(where + "computed here, it fails: " + output.error().message);
        return {};
    }
    const engine::ReceiptOutput& given = receipt_.work.rounds[place.round].outputs[place.index];
    const Sha256 here = sha256(*output);
    if (here != given.sha256) {
        differs(where + worker_name(given.worker) + " gave " + to_hex(given.sha256) +
                ", computed here it is " + to_hex(here));
    }
    return std::move(output).value();
}

/// Folds a round and compares the state that this leads to; says whether the program can go on.
bool RoundVerifier::fold(programs::Program& program, std::size_t round,
                         const std::vector<Bytes>& outputs) {
    const std::vector<ByteSpan> views(outputs.begin(), outputs.end());
    const auto folded = program.finish_round(views);
    if (!folded) {
        differs(round_name(round) + ": folding it fails: " + folded.error().message);
        return false;
    }
    const bool is_last = round + 1 == receipt_.work.rounds.size();
    if (is_last && program.round()) {
        differs(round_name(round) + ": the receipt ends here, but the program goes on");
        return false;
    }
    if (!is_last && program.checkpoint() != receipt_.work.rounds[round + 1].state) {
        differs(round_name(round + 1) + ": the receipt's state is not what " + round_name(round) +
                " leads to");
    }
    return true;
}

void RoundVerifier::compare_result(jobs::PreparedJob& job) {
    auto result = job.finish();
    if (!result) return differs("the result: making it fails: " + result.error().message);
    nlohmann::json given = receipt_.result;
    if (!given.is_object()) return differs("the result: the receipt has none");
    // Where the files were written is of the PC, not of the job.
    given.erase("files");
    result->erase("files");
    for (const auto& [key, value] : result->items()) {
        const nlohmann::json there = given.value(key, nlohmann::json{});
        if (there != value) {
            differs("the result: " + key + ": the receipt has " + quote_json(there) +
                    ", computed here it is " + quote_json(value));
        }
        given.erase(key);
    }
    for (const auto& [key, value] : given.items()) {
        differs("the result: " + key + ": the receipt has " + quote_json(value) +
                ", the job has no such thing");
    }
}

std::string RoundVerifier::worker_name(WorkerId id) const {
    if (id == WorkerId{}) return "the master itself";
    for (const engine::ReceiptWorker& worker : receipt_.work.workers) {
        if (worker.id == id)
            return worker.kind + " worker " + worker.name + " (" + worker.key + ")";
    }
    return "worker " + std::to_string(id.value);
}

}  // namespace netcompute::server
