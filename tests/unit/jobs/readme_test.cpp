// README's table of job types is written from the job types: `cmake --build build --target readme`.
#include "jobs/job_type.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace netcompute::jobs {
namespace {

const std::string readme = NETCOMPUTE_SOURCE_DIR "/README.md";
const std::string head =
    "| job type | what it does | params (and their defaults) |\n|---|---|---|\n";

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

std::string table_text() {
    std::string text = head;
    for (const JobType& type : job_types()) {
        std::string params;
        for (const Param& param : type.params) {
            params += (params.empty() ? "" : ", ") + param_text(param);
        }
        text += "| `" + std::string{type.name} + "` | " + std::string{type.summary} + " | " +
                params + " |\n";
    }
    return text;
}

TEST(ReadmeTest, ItsTableOfJobTypesIsThatOfTheProgram) {
    std::string text = test_support::read_file(readme);
    const std::size_t begin = text.find(head);
    ASSERT_NE(begin, std::string::npos) << "README.md has a table that begins with\n" << head;
    const std::size_t end = text.find("\n\n", begin) + 1;
    if (std::getenv("NETCOMPUTE_WRITE_README") != nullptr) {
        std::ofstream{readme, std::ios::binary} << text.replace(begin, end - begin, table_text());
        return;
    }
    EXPECT_EQ(text.substr(begin, end - begin), table_text())
        << "run `cmake --build build --target readme`, which writes it";
}

}  // namespace
}  // namespace netcompute::jobs
