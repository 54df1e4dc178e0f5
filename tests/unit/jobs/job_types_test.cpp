// What holds of every job type, whoever adds it.
#include "job_world.hpp"
#include "jobs/job_type.hpp"
#include "program_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::example_params;
using test_support::JobWorld;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string tables = NETCOMPUTE_SOURCE_DIR "/Data";

std::string refusal(const JobType& type, const json& params, JobWorld& world) {
    const auto checked = type.check(params, world.context());
    return checked ? "accepted" : checked.error().message;
}

/// The example of a type, in each of its variants: those may have parameters of the same name.
std::vector<json> examples_of(const JobType& type) {
    std::vector<json> examples;
    for (const auto& variant : type.params.variants) {
        examples.push_back(example_params(type));
        examples.back()[std::string{type.params.choice->name}] = variant.value;
    }
    if (examples.empty()) examples.push_back(example_params(type));
    return examples;
}

TEST(JobTypesTest, EachSaysWhatItIs) {
    std::set<std::string_view> names;
    for (const JobType& type : job_types()) {
        EXPECT_TRUE(names.insert(type.name).second) << type.name << " is there twice";
        EXPECT_EQ(find_job_type(type.name), &type);
        EXPECT_NE(type.title, "") << type.name;
        EXPECT_NE(type.summary, "") << type.name;
        EXPECT_THAT(std::string{type.summary}, Not(::testing::EndsWith("."))) << type.name;
        for (const json& example : examples_of(type)) {
            std::set<std::string_view> params;
            for (const Param& param : type.params.of(example)) {
                const std::string_view name = param_name(param);
                EXPECT_TRUE(params.insert(name).second) << type.name << "." << name;
                EXPECT_NE(param_document(param)["description"], "") << type.name << "." << name;
            }
        }
    }
    EXPECT_EQ(find_job_type("no such type"), nullptr);
}

// A number beyond its range is refused with the range; so is a parameter that the type has not.
TEST(JobTypesTest, EachRefusesByItsTable) {
    JobWorld world{tables};
    for (const JobType& type : job_types()) {
        for (const json& params : examples_of(type)) {
            for (const Param& param : type.params.of(params)) {
                const json document = param_document(param);
                if (!document.contains("maximum")) continue;
                json beyond = params;
                beyond[std::string{document["name"]}] = document["maximum"].get<double>() * 2;
                EXPECT_THAT(refusal(type, beyond, world),
                            HasSubstr("to " + document["maximum"].dump()));
            }
        }
        json unknown = example_params(type);
        unknown["no_such_param"] = 1;
        EXPECT_THAT(refusal(type, unknown, world),
                    HasSubstr("params.no_such_param: is not a parameter of this type"));
    }
}

// The example of each type is a job that succeeds, also when it is stopped and restored between
// any two rounds; and no fold takes what no kernel gave.
TEST(JobTypesTest, TheExampleOfEachRunsFromEndToEnd) {
    JobWorld world{tables};
    for (const JobType& type : job_types()) {
        SCOPED_TRACE(type.name);
        const json params = example_params(type);
        // In the order of the list: a prediction needs the model that the training has written.
        ASSERT_EQ(refusal(type, params, world), "accepted");
        if (world.prepare(type, params).next_jobs) {
            EXPECT_TRUE(world.run_job(type, params).is_object());
            continue;
        }
        const auto make = [&] { return world.prepare(type, params).program; };
        testing::expect_restarts_to_change_nothing(make, world.blobs());
        testing::expect_damaged_checkpoints_to_be_refused(*make());
        const auto first = make();
        if (!testing::round_outputs(*first, world.blobs()).front().empty()) {
            testing::expect_wrong_sizes_to_be_refused(*first, world.blobs());
        }
        const auto job = world.prepare(type, params);
        world.run(*job.program);
        const auto result = job.finish();
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_TRUE(result->contains("result_sha256") || result->contains("model_sha256"));
    }
}

// For programs that read it: a field that a new type would need is no change of these.
TEST(JobTypesDocumentTest, ListsEveryTypeAndParameter) {
    const json document = job_types_document();
    ASSERT_EQ(document.size(), job_types().size());
    for (std::size_t i = 0; i < document.size(); ++i) {
        const JobType& type = job_types()[i];
        EXPECT_EQ(document[i]["name"], type.name);
        EXPECT_EQ(document[i]["title"], type.title);
        EXPECT_EQ(document[i]["summary"], type.summary);
        EXPECT_EQ(document[i]["params"], params::params_document(type.params));
    }
}

TEST(PredictJobTest, WithoutAModelItSaysToTrainFirst) {
    JobWorld world{tables};
    std::filesystem::remove(world.root() / "Data/model.json");
    EXPECT_EQ(refusal(*find_job_type("predict"), json::object(), world),
              "params.model: Data/model.json: there is no model yet; train first (a job of type "
              "train, or --mode train)");
}

TEST(TrainJobTest, GradientBoostingTrainsAndItsModelPredicts) {
    JobWorld world{tables};
    const json params{{"algorithm", "gradient_boosting"}, {"n_estimators", 20}};
    const auto training = world.prepare(*find_job_type("train"), params);
    world.run(*training.program);
    const auto trained = training.finish();
    ASSERT_TRUE(trained) << trained.error().message;
    EXPECT_EQ(trained->at("trees"), 20);
    const auto prediction = world.prepare(*find_job_type("predict"), {{"data", "Data/train.csv"}});
    world.run(*prediction.program);
    const auto predicted = prediction.finish();
    ASSERT_TRUE(predicted) << predicted.error().message;
    EXPECT_EQ(predicted->at("algorithm"), "gradient_boosting");
    EXPECT_EQ(predicted->at("metrics"), trained->at("metrics"));
}

TEST(ProfileJobTest, SaysWhatTheColumnsHold) {
    JobWorld world;
    std::ofstream{world.root() / "Data/t.csv"} << "id;size;when;colour;note\n"
                                                  "a;1,5;2024-01-01;red;\n"
                                                  "b;?;2024-01-03;red;x\n"
                                                  "c;2,5;2024-01-05;blue;\n"
                                                  "b;NA;2024-01-07;;y\n";
    const json result =
        world.run_job(*find_job_type("profile"), {{"data", "Data/t.csv"}, {"id", "id"}});
    EXPECT_EQ(result["rows"], 4);
    EXPECT_EQ(result["reading"]["separator"], ";");
    EXPECT_EQ(result["reading"]["decimal"], ",");
    const json& columns = result["columns"];
    ASSERT_EQ(columns.size(), 5);
    EXPECT_EQ(columns[0]["kind"], "id");
    EXPECT_EQ(columns[0]["distinct"], 3);
    EXPECT_EQ(columns[1]["kind"], "number");
    EXPECT_EQ(columns[1]["missing"], 1);
    EXPECT_EQ(columns[1]["distinct"], 2);
    EXPECT_EQ(columns[1]["numbers"]["median"], 2.0);
    EXPECT_EQ(columns[1]["numbers"]["deviation"], 0.5);
    EXPECT_EQ(columns[1]["odd"],
              json::parse(R"({"count": 1, "first": [{"line": 3, "text": "?"}]})"));
    EXPECT_EQ(columns[1]["first_missing"]["text"], "NA");
    EXPECT_EQ(columns[2]["kind"], "date");
    EXPECT_EQ(columns[2]["numbers"]["max"], "2024-01-07");
    EXPECT_EQ(columns[2]["numbers"]["lower_quartile"], "2024-01-02 12:00:00");
    EXPECT_EQ(columns[3]["most_common"],
              json::parse(R"([{"text": "red", "rows": 2}, {"text": "blue", "rows": 1}])"));
    EXPECT_EQ(columns[3]["first_missing"], json::parse(R"({"line": 5, "text": ""})"));
    EXPECT_THAT(result["notes"].dump(), HasSubstr("names some rows twice (the first in line 5"));
}

TEST(ProfileJobTest, AColumnThatIsNotThereIsNamed) {
    JobWorld world{tables};
    const auto refused = find_job_type("profile")->prepare({{"id", "x"}}, world.context());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("no column \"x\""));
}

TEST(TrainJobTest, TheTargetIsNotTheIdColumn) {
    JobWorld world{tables};
    EXPECT_EQ(refusal(*find_job_type("train"), {{"target", "x"}, {"id", "x"}}, world),
              "params.target: \"x\" is the id column as well");
}

}  // namespace
}  // namespace netcompute::jobs
