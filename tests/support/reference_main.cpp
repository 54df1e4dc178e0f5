// Runs a job's program in this one process and prints the SHA-256 of its result: what every
// distributed run of the same job must equal bit for bit.
#include "data/model.hpp"
#include "data/prediction_data.hpp"
#include "data/training_data.hpp"
#include "memory_blobs.hpp"
#include <netcompute/programs/monte_carlo_pi.hpp>
#include <netcompute/programs/predict.hpp>
#include <netcompute/programs/train.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace netcompute;

constexpr const char* usage =
    "usage: netcompute_reference train CSV | predict MODEL CSV | monte_carlo_pi SAMPLES SEED\n";

template <typename T>
T value_or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

std::string run(programs::Program& program, const test_support::MemoryBlobs& blobs) {
    const auto find = [&](const Sha256& sha256) -> std::optional<ByteSpan> {
        return ByteSpan{blobs.get({sha256, 0})};
    };
    const auto ran = programs::run_in_process(program, find);
    if (!ran) throw std::runtime_error(ran.error().message);
    return to_hex(sha256(program.result_bytes()));
}

std::string train(const std::string& table) {
    test_support::MemoryBlobs blobs;
    auto prepared = value_or_throw(
        data::prepare_training(value_or_throw(data::InputFile::open(table)), {}, blobs.sink()));
    programs::TrainProgram program{std::move(prepared.plan)};
    return run(program, blobs);
}

std::string predict(const std::string& model_path, const std::string& table) {
    test_support::MemoryBlobs blobs;
    const auto model =
        value_or_throw(data::load_model(value_or_throw(data::InputFile::open(model_path))));
    auto prepared = value_or_throw(data::prepare_prediction(
        value_or_throw(data::InputFile::open(table)), model, model.id, blobs.sink()));
    programs::PredictProgram program{std::move(prepared.plan)};
    return run(program, blobs);
}

std::string monte_carlo_pi(const std::string& samples, const std::string& seed) {
    programs::MonteCarloPiProgram program{{std::stoull(samples), std::stoull(seed)}};
    return run(program, {});
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments{argv + 1, argv + argc};
    const std::string job = arguments.empty() ? "" : arguments[0];
    try {
        std::string sha256;
        if (job == "train" && arguments.size() == 2) sha256 = train(arguments[1]);
        if (job == "predict" && arguments.size() == 3) sha256 = predict(arguments[1], arguments[2]);
        if (job == "monte_carlo_pi" && arguments.size() == 3) {
            sha256 = monte_carlo_pi(arguments[1], arguments[2]);
        }
        std::fputs(sha256.empty() ? usage : (sha256 + "\n").c_str(),
                   sha256.empty() ? stderr : stdout);
        return sha256.empty() ? 2 : 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "netcompute_reference: %s\n", error.what());
        return 1;
    }
}
