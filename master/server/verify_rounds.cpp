#include "server/verify_rounds.hpp"

#include <netcompute/json_file.hpp>

#include <random>
#include <set>
#include <tuple>

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
        verification_.tasks_total += round.task_count;
    }
}

Result<Verification> RoundVerifier::verify(jobs::PreparedJob& job,
                                           std::optional<std::uint64_t> sample,
                                           std::uint64_t seed) {
    verification_.seed = seed;
    const auto& rounds = receipt_.work.rounds;
    if (rounds.empty()) {
        differs("the receipt has no round");
    } else if (sha256(job.program->checkpoint()) != rounds.front().state_sha256) {
        differs("round 0: the receipt's state is not the one in which the job starts");
    } else {
        const auto verified = sample ? verify_some(*job.program, *sample, seed) : verify_all(job);
        if (!verified) return unexpected(verified.error());
    }
    return std::move(verification_);
}

/// A task of a later round needs what the rounds before it have made, so those are computed whole.
Result<void> RoundVerifier::verify_some(programs::Program& program, std::uint64_t sample,
                                        std::uint64_t seed) {
    const auto drawn = draw_sample(sample, verification_.tasks_total, seed);
    std::uint64_t first = 0;  // The number, in the whole job, of the round's first task.
    for (std::size_t number = 0; number < receipt_.work.rounds.size(); ++number) {
        const engine::ReceiptRound& given = receipt_.work.rounds[number];
        const std::uint64_t end = first + given.task_count;
        const bool is_last = drawn.lower_bound(end) == drawn.end();
        if (is_last && !given.outputs.empty()) {
            const auto fits = check_round(program, number);
            if (!fits || !*fits) return fits ? Result<void>{} : unexpected(fits.error());
            for (auto next = drawn.lower_bound(first); next != drawn.end(); ++next) {
                const auto index = static_cast<TaskIndex>(*next - first);
                std::ignore = compute(program, {number, index});
            }
            return {};
        }
        const auto passed = pass_round(program, number);
        if (!passed) return unexpected(passed.error());
        if (!*passed || is_last) return {};
        first = end;
    }
    return {};
}

Result<void> RoundVerifier::verify_all(jobs::PreparedJob& job) {
    for (std::size_t number = 0; number < receipt_.work.rounds.size(); ++number) {
        const auto passed = pass_round(*job.program, number);
        if (!passed) return unexpected(passed.error());
        if (!*passed) return {};
    }
    compare_result(job);
    return {};
}

/// Whether the receipt's round can be the one of the program that is due. Errors: a kernel that
/// this build does not have proves nothing wrong.
Result<bool> RoundVerifier::check_round(const programs::Program& program, std::size_t number) {
    const engine::ReceiptRound& given = receipt_.work.rounds[number];
    const auto round = program.round();
    const std::string here = named(round->kernel, round->kernel_version);
    const std::string there = named(given.kernel, given.kernel_version);
    if (round->kernel == given.kernel && here != there) {
        return unexpected(ErrorCode::InvalidArgument,
                          round_name(number) + " was computed with the kernel " + there +
                              ", but this build computes it with " + here + ": verify it with " +
                              receipt_.software);
    }
    if (here != there) {
        differs(round_name(number) + ": the receipt's kernel is " + there + ", the program's is " +
                here);
    } else if (round->task_count != given.task_count) {
        differs(round_name(number) + ": the receipt has " + std::to_string(given.task_count) +
                " results, the program has " + std::to_string(round->task_count) + " tasks");
    } else {
        return true;
    }
    return false;
}

/// Computes a whole round and compares its results, and the state that they lead to; whether the
/// program can go on.
Result<bool> RoundVerifier::pass_round(programs::Program& program, std::size_t number) {
    const auto fits = check_round(program, number);
    if (!fits || !*fits) return fits;
    const engine::ReceiptRound& given = receipt_.work.rounds[number];
    std::vector<Bytes> outputs;
    std::vector<engine::ReceiptOutput> results;
    for (TaskIndex index = 0; index < given.task_count; ++index) {
        outputs.push_back(compute(program, {number, index}));
        results.push_back({{}, sha256(outputs.back()), false});
    }
    const Sha256 here = engine::results_sha256(results);
    if (given.outputs.empty() && here != given.results_sha256) {
        differs(round_name(number) + ": its results have the SHA-256 " +
                to_hex(given.results_sha256) + " in the receipt, computed here it is " +
                to_hex(here));
    }
    return fold(program, number, outputs);
}

/// Computes one task and compares it with the receipt's, where that tells of single tasks.
Bytes RoundVerifier::compute(const programs::Program& program, Place place) {
    ++verification_.tasks_computed;
    const std::string where =
        round_name(place.round) + " task " + std::to_string(place.index) + ": ";
    auto output = programs::run_task(program, *program.round(), place.index, blobs_.source(),
                                     {.memo = &memo_});
    if (!output) {
        differs(where + "computed here, it fails: " + output.error().message);
        return {};
    }
    const engine::ReceiptRound& round = receipt_.work.rounds[place.round];
    if (round.outputs.empty()) return std::move(output).value();
    const engine::ReceiptOutput& given = round.outputs[place.index];
    const Sha256 here = sha256(*output);
    if (here != given.sha256) {
        differs(where + worker_name(given.worker) + " gave " + to_hex(given.sha256) +
                ", computed here it is " + to_hex(here));
    }
    return std::move(output).value();
}

/// Folds a round and compares the state that this leads to; whether the program can go on.
bool RoundVerifier::fold(programs::Program& program, std::size_t round,
                         const std::vector<Bytes>& outputs) {
    const std::vector<ByteSpan> views(outputs.begin(), outputs.end());
    const auto folded = blobs_.fold(program, views);
    if (!folded) {
        differs(round_name(round) + ": folding it fails: " + folded.error().message);
        return false;
    }
    const bool is_last = round + 1 == receipt_.work.rounds.size();
    if (is_last && program.round()) {
        differs(round_name(round) + ": the receipt ends here, but the program goes on");
        return false;
    }
    if (is_last) return true;
    if (!program.round()) {
        differs(round_name(round + 1) + ": the job is over before it");
        return false;
    }
    if (sha256(program.checkpoint()) != receipt_.work.rounds[round + 1].state_sha256) {
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
