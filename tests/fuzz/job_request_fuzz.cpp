/// Input: the body of POST /api/v1/jobs.
#include "fuzz_target.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_request.hpp"
#include "jobs/job_type.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <cmath>

namespace netcompute::fuzz {
namespace {

namespace fs = std::filesystem;
using jobs::JobContext;
using jobs::JobRequest;
using nlohmann::json;

/// An answer to a stranger; a body may be a megabyte.
constexpr std::size_t error_bytes_slack = 2048;

/// A folder as a master has it, and ways out of it.
class World {
 public:
    World() {
        fs::create_directories(folder_.path() / "root/Data/more");
        folder_.write("root/Data/train.csv", "PassengerId,Survived\n1,0\n");
        folder_.write("root/Data/model.json", "{}");
        folder_.write("secret.csv", "PassengerId,Survived\n1,0\n");
        fs::create_directory_symlink(folder_.path(), folder_.path() / "root/Data/out");
        context_.root = fs::canonical(folder_.path() / "root");
    }

    [[nodiscard]] const JobContext& context() const { return context_; }

    /// Whether a name leads to a file below Data/, as the system itself resolves it.
    [[nodiscard]] bool holds(const data::DataPath& path) const {
        const std::string folder = (context_.root / "Data").string() + "/";
        const fs::path real = fs::weakly_canonical(context_.root / path.shown());
        return real.string().starts_with(folder);
    }

 private:
    test_support::TemporaryFolder folder_;
    JobContext context_;
};

void check_error(const Error& error, std::size_t body_size) {
    NETCOMPUTE_ASSERT(!error.message.empty(), "an error says what is wrong");
    NETCOMPUTE_ASSERT(error.code != ErrorCode::Internal, "a bad request is not our own mistake");
    NETCOMPUTE_ASSERT(error.message.size() <= 2 * body_size + error_bytes_slack,
                      "an answer does not outgrow its question");
}

json body_of(const JobRequest& request) {
    return {{"type", request.type},
            {"params", request.params},
            {"name", request.name},
            {"priority", request.priority}};
}

void check_request(const JobRequest& request) {
    NETCOMPUTE_ASSERT(jobs::find_job_type(request.type) != nullptr, "the type is a known one");
    NETCOMPUTE_ASSERT(request.params.is_object(), "parameters are an object");
    NETCOMPUTE_ASSERT(request.name.size() <= 200, "a name keeps its limit");
    NETCOMPUTE_ASSERT(std::abs(request.priority) <= 1000, "a priority keeps its limit");
    NETCOMPUTE_ASSERT(!request.from_command_line, "nothing from outside is from our command line");
    const auto again = jobs::parse_job_request(body_of(request).dump());
    NETCOMPUTE_ASSERT(again && body_of(*again) == body_of(request),
                      "a request survives the way there and back");
}

/// Every text among the parameters, taken for a path.
void check_paths(const World& world, const json& params) {
    for (const auto& [key, value] : params.items()) {
        if (!value.is_string()) continue;
        const auto& text = value.get_ref<const std::string&>();
        const auto path = data::parse_data_path(world.context().root, text);
        NETCOMPUTE_ASSERT(!path || path->shown().find("/.") == std::string::npos,
                          "no file is hidden, and no name goes up");
        jobs::JobFiles files{world.context()};
        const auto input = files.input(key, text);
        NETCOMPUTE_ASSERT(!input || (path && world.holds(*path)), "nothing outside Data/ is read");
        const auto output = files.output(key, text);
        NETCOMPUTE_ASSERT(!output || *output == *path, "an output is a file below Data/");
    }
}

/// Some kinds of parameters, read from whatever there is.
void check_reader(const World& world, const json& params) {
    constexpr jobs::WholeNumber samples{
        .name = "samples", .what = "", .min = 1, .max = 1'000'000, .otherwise = 10};
    constexpr jobs::Number tolerance{
        .name = "tolerance", .what = "", .min = 0, .max = 1, .otherwise = 0.5};
    constexpr jobs::Text column{.name = "data", .what = "", .otherwise = "a"};
    const std::vector<jobs::Param> table{samples, tolerance, column};
    jobs::JobFiles files{world.context()};
    const auto values = jobs::read_params(table, params, {}, files);
    if (!values) return;
    NETCOMPUTE_ASSERT((*values)[samples] >= 1 && (*values)[samples] <= 1'000'000,
                      "a number keeps its limits");
    NETCOMPUTE_ASSERT((*values)[tolerance] >= 0 && (*values)[tolerance] <= 1,
                      "a number keeps its limits");
    NETCOMPUTE_ASSERT(!(*values)[column].empty(), "a text is not empty");
    for (const auto& [key, value] : params.items()) {
        NETCOMPUTE_ASSERT(key == "samples" || key == "tolerance" || key == "data",
                          "no parameter is passed over");
        NETCOMPUTE_ASSERT(value.is_number() == (key != "data"), "each parameter is of its kind");
    }
}

}  // namespace

bool try_input(ByteSpan input) {
    static const World world;
    const auto request = jobs::parse_job_request(as_text(input));
    if (!request) {
        check_error(request.error(), input.size());
        return false;
    }
    check_request(*request);
    check_paths(world, request->params);
    check_reader(world, request->params);
    const auto checked =
        jobs::find_job_type(request->type)->check(request->params, world.context());
    if (!checked) check_error(checked.error(), input.size());
    return checked.has_value();
}

}  // namespace netcompute::fuzz
