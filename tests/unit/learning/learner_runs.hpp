#pragma once

#include "learning/learner.hpp"
#include "learning/prediction_data.hpp"
#include "memory_blobs.hpp"
#include "read_table.hpp"
#include <netcompute/programs/program.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <vector>

namespace netcompute::learning {

/// A table that was learned from, and what was found.
struct Learned {
    PreparedTraining table;
    Trained trained;
    Model model;
};

/// Trainings and predictions in this process.
class LearnerRuns {
 protected:
    void run(programs::Program& program) {
        const auto ran =
            programs::run_in_process(program, [&](const Sha256& name) -> std::optional<ByteSpan> {
                return ByteSpan{blobs_.get({name, 0})};
            });
        ASSERT_TRUE(ran) << ran.error().message;
    }

    std::vector<double> scores_of(const Model& model, const data::Table& table) {
        const auto prepared = prepare_prediction(table, model.form, model.form.id, blobs_.sink(),
                                                 model.fit->binning());
        EXPECT_TRUE(prepared) << prepared.error().message;
        const Scoring scoring = model.fit->score(prepared->features);
        run(*scoring.program);
        const auto scores = scoring.scores();
        return {scores.begin(), scores.end()};
    }

    static data::Table titanic(const char* name) {
        return read_file_table(std::filesystem::path{NETCOMPUTE_SOURCE_DIR "/Data"} / name,
                               "PassengerId")
            .value();
    }

    test_support::MemoryBlobs blobs_;
};

}  // namespace netcompute::learning
