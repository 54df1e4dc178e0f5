#include "builtin.hpp"
#include <netcompute/kernels/epidemic.hpp>

#include <cstddef>

#ifndef NETCOMPUTE_EPIDEMIC_TYPES
#define NETCOMPUTE_EPIDEMIC_TYPES
namespace netcompute::kernels {

/// Random numbers for so many events are made at a time, two by each Philox block.
inline constexpr std::size_t epidemic_batch = 256;

struct EpidemicDraws {
    double waits[epidemic_batch];    ///< Exponential, of mean 1.
    double choices[epidemic_batch];  ///< Uniform in (0, 1).
};

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "epidemic.cpp"
#include <hwy/foreach_target.h>
//
#include "normals-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

template <std::size_t part = 0>
HWY_INLINE void store_draws(const Word (&words)[4], std::size_t at, EpidemicDraws& draws) {
    constexpr std::size_t second = epidemic_batch / 2;
    const std::size_t to = at + part * F64::lanes;
    const F64 zero = F64::set(0);
    (zero - log_of_uniform(uniform(widened<part>(words[0])))).store(draws.waits + to);
    uniform(widened<part>(words[1])).store(draws.choices + to);
    (zero - log_of_uniform(uniform(widened<part>(words[2])))).store(draws.waits + second + to);
    uniform(widened<part>(words[3])).store(draws.choices + second + to);
    if constexpr (part + 1 < word_parts) store_draws<part + 1>(words, at, draws);
}

/// The draws of the replicate's events from epidemic_batch `batch` on.
void draw_events(std::uint64_t seed, std::uint64_t replicate, std::uint64_t batch,
                 EpidemicDraws& draws) {
    constexpr std::size_t blocks = epidemic_batch / 2;
    static_assert(blocks % Word::lanes == 0);
    for (std::size_t i = 0; i < blocks; i += Word::lanes) {
        Word c[4] = {Word::set(0), Word::set(0), Word::set(static_cast<std::uint32_t>(replicate)),
                     Word::set(static_cast<std::uint32_t>(replicate >> 32))};
        count_from(batch * blocks + i, c[0], c[1]);
        philox(c, seed);
        store_draws(c, i, draws);
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(draw_events);

namespace {

constexpr std::size_t compartments = 3;

Unexpected refused(ErrorCode code, const std::string& what) {
    return unexpected(code, "epidemic: " + what);
}

std::size_t run_bytes(const EpidemicInput& input) {
    return 16 + sizeof(std::uint32_t) * compartments * input.points;
}

/// A replicate, event by event, and what is recorded of it.
class Epidemic {
 public:
    Epidemic(const EpidemicInput& input, std::uint64_t replicate)
        : input_{input},
          replicate_{replicate},
          susceptible_{input.population - input.infectious},
          infectious_{input.infectious} {
        run_.infected = input.infectious;
        run_.peak = input.infectious;
        run_.states.resize(compartments * input.points);
    }

    EpidemicRun run() {
        double time = 0;
        for (std::uint64_t event = 0;; ++event) {
            const std::size_t at = event % epidemic_batch;
            if (at == 0) {
                HWY_DYNAMIC_DISPATCH(draw_events)
                (input_.seed, replicate_, event / epidemic_batch, draws_);
            }
            const double infection = input_.infection_rate * susceptible_ * infectious_ /
                                     static_cast<double>(input_.population);
            const double onset = input_.onset_rate * exposed_;
            const double recovery = input_.recovery_rate * infectious_;
            const double rate = infection + onset + recovery;
            // Nothing happens any more: what is left of the time is as it is now.
            if (!(rate > 0)) break;
            time += draws_.waits[at] / rate;
            record_until(time);
            if (time > input_.duration) break;
            happen(draws_.choices[at] * rate, infection, onset, time);
        }
        while (recorded_ < input_.points) record();
        return std::move(run_);
    }

 private:
    void record() {
        std::uint32_t* const to = run_.states.data() + compartments * recorded_;
        to[0] = susceptible_;
        to[1] = exposed_;
        to[2] = infectious_;
        ++recorded_;
        next_record_ = input_.duration * static_cast<double>(recorded_) /
                       static_cast<double>(input_.points - 1);
    }

    void record_until(double time) {
        while (recorded_ < input_.points && next_record_ < time) record();
    }

    /// `choice` is below the sum of all rates, so no event happens whose own rate is 0.
    void happen(double choice, double infection, double onset, double time) {
        if (choice < infection) {
            --susceptible_;
            ++run_.infected;
            if (input_.is_seir) {
                ++exposed_;
                return;
            }
            ++infectious_;
        } else if (choice < infection + onset) {
            --exposed_;
            ++infectious_;
        } else {
            --infectious_;
            return;
        }
        if (infectious_ <= run_.peak) return;
        run_.peak = infectious_;
        run_.peak_time = time;
    }

    const EpidemicInput& input_;
    std::uint64_t replicate_;
    std::uint32_t susceptible_;
    std::uint32_t exposed_ = 0;
    std::uint32_t infectious_;
    std::uint32_t recorded_ = 0;
    double next_record_ = 0;  ///< The next time that is recorded.
    EpidemicRun run_;
    EpidemicDraws draws_;
};

Result<EpidemicInput> read_input(ByteSpan bytes) {
    EpidemicInput input;
    ByteReader reader{bytes};
    input.population = reader.number<std::uint32_t>();
    input.infectious = reader.number<std::uint32_t>();
    input.points = reader.number<std::uint32_t>();
    const auto is_seir = reader.number<std::uint32_t>();
    bool are_rates = true;
    for (double* const rate :
         {&input.duration, &input.infection_rate, &input.onset_rate, &input.recovery_rate}) {
        *rate = reader.number<double>();
        are_rates = are_rates && *rate >= 0 && *rate <= 1e9;
    }
    input.seed = reader.number<std::uint64_t>();
    input.first_replicate = reader.number<std::uint64_t>();
    input.replicate_count = reader.number<std::uint64_t>();
    if (!reader.finished()) {
        return refused(ErrorCode::ShapeMismatch,
                       "the input has " + std::to_string(bytes.size()) + " bytes, not 72");
    }
    if (!are_rates || is_seir > 1) {
        return refused(ErrorCode::InvalidArgument, "a rate is not from 0 to 1e9");
    }
    if (input.population == 0 || input.population > epidemic_population_max ||
        input.infectious > input.population) {
        return refused(ErrorCode::InvalidArgument,
                       std::to_string(input.infectious) + " infectious of " +
                           std::to_string(input.population) + " people are not some of up to " +
                           std::to_string(epidemic_population_max));
    }
    if (input.points < 2 || input.points > epidemic_points_max) {
        return refused(ErrorCode::LimitExceeded, std::to_string(input.points) +
                                                     " points are not 2 to " +
                                                     std::to_string(epidemic_points_max));
    }
    constexpr std::uint64_t output_bytes_max = std::uint64_t{1} << 23;
    if (input.replicate_count > epidemic_people_max / input.population ||
        input.replicate_count > output_bytes_max / run_bytes(input)) {
        return refused(ErrorCode::LimitExceeded,
                       std::to_string(input.replicate_count) +
                           " replicates in one task are too many: cut them finer");
    }
    input.is_seir = is_seir == 1;
    return input;
}

}  // namespace

Bytes encode_epidemic(const EpidemicInput& input) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (const std::uint32_t value : {input.population, input.infectious, input.points}) {
        writer.number(value);
    }
    writer.number(std::uint32_t{input.is_seir});
    for (const double value :
         {input.duration, input.infection_rate, input.onset_rate, input.recovery_rate}) {
        writer.number(value);
    }
    for (const std::uint64_t value : {input.seed, input.first_replicate, input.replicate_count}) {
        writer.number(value);
    }
    return bytes;
}

Result<std::vector<EpidemicRun>> decode_epidemic(ByteSpan output, const EpidemicInput& input) {
    if (output.size() != input.replicate_count * run_bytes(input)) {
        return refused(ErrorCode::ShapeMismatch,
                       "the output has " + std::to_string(output.size()) + " bytes, not those of " +
                           std::to_string(input.replicate_count) + " replicates");
    }
    std::vector<EpidemicRun> runs(static_cast<std::size_t>(input.replicate_count));
    ByteReader reader{output};
    for (EpidemicRun& run : runs) {
        run.infected = reader.number<std::uint32_t>();
        run.peak = reader.number<std::uint32_t>();
        run.peak_time = reader.number<double>();
        run.states.resize(compartments * input.points);
        bool is_good = run.infected <= input.population && run.peak <= run.infected &&
                       run.peak_time >= 0 && run.peak_time <= input.duration;
        for (std::size_t i = 0; i < run.states.size(); i += compartments) {
            std::uint64_t people = 0;
            for (std::size_t k = 0; k < compartments; ++k) {
                run.states[i + k] = reader.number<std::uint32_t>();
                people += run.states[i + k];
            }
            is_good = is_good && people <= input.population;
        }
        if (!is_good) {
            return refused(ErrorCode::InvalidArgument, "an output is not of a population of " +
                                                           std::to_string(input.population));
        }
    }
    return runs;
}

/// epidemic@1: an epidemic in a population that mixes, with a chance for each event (infection,
/// onset, recovery) in continuous time, exactly. Event i of a replicate takes its wait and its
/// kind from Philox's block of that replicate, so a replicate depends on the seed and its number
/// alone. Layout: encode_epidemic(), decode_epidemic().
/// Source: Gillespie, "Exact stochastic simulation of coupled chemical reactions", 1977.
Result<Bytes> epidemic(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 1) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(inputs.size()) + " inputs were given, it reads 1");
    }
    const auto input = read_input(inputs[0]);
    if (!input) return unexpected(input.error());
    Bytes output;
    output.reserve(static_cast<std::size_t>(input->replicate_count) * run_bytes(*input));
    ByteWriter writer{output};
    for (std::uint64_t i = 0; i < input->replicate_count; ++i) {
        const EpidemicRun run = Epidemic{*input, input->first_replicate + i}.run();
        writer.number(run.infected);
        writer.number(run.peak);
        writer.number(run.peak_time);
        writer.numbers(std::span<const std::uint32_t>{run.states});
    }
    return output;
}

}  // namespace netcompute::kernels
#endif
