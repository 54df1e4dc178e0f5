// README's table of job types is written from the job types: `cmake --build build --target readme`.
#include "jobs/job_type.hpp"
#include "learning/learner.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace netcompute::jobs {
namespace {

const std::string readme = NETCOMPUTE_SOURCE_DIR "/README.md";
const std::string head =
    "| job type | what it does | params (and their defaults) |\n|---|---|---|\n";
const std::string learners_head =
    "| `algorithm` | what it learns | params besides (and their defaults) |\n|---|---|---|\n";

/// "`C` (1)"; of one that must be given, its name alone.
std::string param_text(const Param& param) {
    const nlohmann::json document = param_document(param);
    const std::string name = "`" + std::string{document["name"]} + "`";
    if (document.contains("if_left_out")) {
        return name + " (" + std::string{document["if_left_out"]} + ")";
    }
    if (!document.contains("default")) return name;
    const nlohmann::json& value = document["default"];
    if (value.is_string()) return name + " (`" + std::string{value} + "`)";
    std::string number = value.dump();
    if (number.ends_with(".0")) number.resize(number.size() - 2);
    return name + " (" + number + ")";
}

std::string params_text(std::span<const Param> params) {
    std::string text;
    for (const Param& param : params) text += (text.empty() ? "" : ", ") + param_text(param);
    return text;
}

std::string table_text() {
    std::string text = head;
    for (const JobType& type : job_types()) {
        text += "| `" + std::string{type.name} + "` | " + std::string{type.summary} + " | " +
                params_text(type.params.common) + " |\n";
    }
    return text;
}

std::string learners_text() {
    std::string text = learners_head;
    for (const learning::Learner& learner : learning::learners()) {
        text += "| `" + std::string{learner.name} + "` | " + std::string{learner.summary} + " | " +
                params_text(learning::params_of(learner)) + " |\n";
    }
    return text;
}

/// README's table that begins with `head` is this one, or becomes it.
void expect_table(const std::string& head, const std::string& table) {
    std::string text = test_support::read_file(readme);
    const std::size_t begin = text.find(head);
    ASSERT_NE(begin, std::string::npos) << "README.md has a table that begins with\n" << head;
    const std::size_t end = text.find("\n\n", begin) + 1;
    if (std::getenv("NETCOMPUTE_WRITE_README") != nullptr) {
        std::ofstream{readme, std::ios::binary} << text.replace(begin, end - begin, table);
        return;
    }
    EXPECT_EQ(text.substr(begin, end - begin), table)
        << "run `cmake --build build --target readme`, which writes it";
}

TEST(ReadmeTest, ItsTableOfJobTypesIsThatOfTheProgram) {
    expect_table(head, table_text());
}

TEST(ReadmeTest, ItsTableOfLearnersIsThatOfTheProgram) {
    expect_table(learners_head, learners_text());
}

}  // namespace
}  // namespace netcompute::jobs
