// Runs a job, and all that it submits, in this one process and prints the SHA-256 of its result:
// what every distributed run of the same job must equal bit for bit.
#include "job_world.hpp"
#include <netcompute/sha256.hpp>

#include <cstdio>
#include <exception>

namespace {

using namespace netcompute;

std::string result_sha256(std::string_view name, std::string_view params) {
    const jobs::JobType* const type = jobs::find_job_type(name);
    if (type == nullptr) throw std::runtime_error(std::string{name} + ": no such job type");
    test_support::JobWorld world;
    const auto given = nlohmann::json::parse(params);
    const auto job = world.prepare(*type, given);
    if (job.next_jobs) return world.run_job(*type, given).at("result_sha256");
    world.run(*job.program);
    return to_hex(sha256(job.program->result_bytes()));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: netcompute_reference JOB_TYPE PARAMS_AS_JSON\n", stderr);
        return 2;
    }
    try {
        std::puts(result_sha256(argv[1], argv[2]).c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "netcompute_reference: %s\n", error.what());
        return 1;
    }
}
