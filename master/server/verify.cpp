#include "server/verify.hpp"

#include "server/verify_inputs.hpp"
#include "server/verify_rounds.hpp"
#include "store/blob_store.hpp"
#include <netcompute/json_file.hpp>
#include <netcompute/logging.hpp>

#include <fmt/core.h>

#include <cstdlib>
#include <random>
#include <system_error>

namespace netcompute::server {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t receipt_bytes_max = std::size_t{2} << 30;
constexpr std::size_t differences_shown_max = 20;

/// A folder of its own, removed with everything in it.
class ScratchFolder {
 public:
    [[nodiscard]] static Result<std::unique_ptr<ScratchFolder>> make() {
        std::error_code error;
        std::string name = (fs::temp_directory_path(error) / "netcompute-verify-XXXXXX").string();
        if (error || ::mkdtemp(name.data()) == nullptr) {
            return unexpected(ErrorCode::Unavailable,
                              name +
                                  ": could not make this temporary folder; set TMPDIR to one "
                                  "that can be written");
        }
        return std::unique_ptr<ScratchFolder>{new ScratchFolder{name}};
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

 private:
    explicit ScratchFolder(fs::path path) : path_{std::move(path)} {}
    fs::path path_;
};

std::uint64_t unforeseeable_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

Result<engine::Receipt> read_receipt_file(const fs::path& path) {
    const auto text = read_text_file(path, receipt_bytes_max);
    if (!text) return unexpected(text.error());
    auto receipt = engine::read_receipt(*text);
    if (receipt) return receipt;
    return unexpected(receipt.error().code, path.string() + ": " + receipt.error().message);
}

void print_receipt(const engine::Receipt& receipt) {
    say("receipt     job {}, {} ({}), computed by {}", receipt.job_id, receipt.job_name,
        receipt.job_type, receipt.software);
    say("root        {}", receipt.root_sha256);
    std::fflush(stdout);
}

void print_verification(const engine::Receipt& receipt, const Verification& verification,
                        bool is_whole) {
    for (const jobs::JobInput& input : receipt.inputs) {
        say("input       {} is the file that the job read", input.path);
    }
    if (is_whole) {
        say("computed    all {} tasks of {} rounds, every state and the result",
            verification.tasks_computed, receipt.work.rounds.size());
    } else {
        say("computed    {} of {} tasks, drawn with --seed {}", verification.tasks_computed,
            verification.tasks_total, verification.seed);
    }
    const auto& differences = verification.differences;
    for (std::size_t i = 0; i < std::min(differences.size(), differences_shown_max); ++i) {
        say("DIFFERENT   {}", differences[i]);
    }
    if (differences.size() > differences_shown_max) {
        say("DIFFERENT   and {} more", differences.size() - differences_shown_max);
    }
    if (differences.empty()) say("verified    all of it agrees with the receipt");
}

}  // namespace

Result<Verification> verify(const engine::Receipt& receipt, const VerifyOptions& options) {
    if (receipt.job_state != "Succeeded") {
        return unexpected(ErrorCode::InvalidArgument,
                          "the receipt's job is " + receipt.job_state +
                              ": only a job that succeeded can be verified");
    }
    const jobs::JobType* const type = jobs::find_job_type(receipt.job_type);
    if (type == nullptr) {
        return unexpected(ErrorCode::InvalidArgument, "job type " + receipt.job_type +
                                                          " is not in this build; " +
                                                          receipt.software + " has it");
    }
    const auto scratch = ScratchFolder::make();
    if (!scratch) return unexpected(scratch.error());
    const auto params = params_here(receipt, options.root);
    if (!params) return unexpected(params.error());
    const auto blobs = store::BlobStore::open((*scratch)->path() / "blobs");
    if (!blobs) return unexpected(blobs.error());
    store::BlobHolder held{**blobs};
    const auto datasets = data::DatasetCatalog::open((*scratch)->path() / "datasets");
    if (!datasets) return unexpected(datasets.error());
    auto prepared = type->prepare(*params, {.root = options.root,
                                            .blobs = &held,
                                            .paths_anywhere = true,
                                            .writes_files = false,
                                            .datasets = datasets->get()});
    if (!prepared) return unexpected(prepared.error());
    const std::uint64_t seed = options.seed ? *options.seed : unforeseeable_seed();
    return RoundVerifier{receipt, **blobs}.verify(*prepared, options.sample, seed);
}

int run_verify(const VerifyOptions& options) {
    constexpr int cannot_tell = 2;
    const auto fail = [](const Error& error) {
        std::fflush(stdout);
        print_line(stderr, "netcompute-master verify: " + error.message);
        return cannot_tell;
    };
    const auto receipt = read_receipt_file(options.receipt);
    if (!receipt) return fail(receipt.error());
    print_receipt(*receipt);
    const auto verification = verify(*receipt, options);
    if (!verification) return fail(verification.error());
    print_verification(*receipt, *verification, !options.sample);
    return verification->differences.empty() ? 0 : 1;
}

}  // namespace netcompute::server
