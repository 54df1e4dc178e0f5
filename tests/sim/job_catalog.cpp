#include "job_catalog.hpp"

#include "kernel_cases.hpp"
#include "table_kernel.hpp"
#include "tables_program.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/programs/noop.hpp>
#include <netcompute/programs/predict.hpp>
#include <netcompute/programs/train.hpp>
#include <netcompute/sha256.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace netcompute::sim {
namespace {

template <typename T>
T value_or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(result).value();
}

/// At an 8-byte boundary, as kernels need it.
class AlignedCopy {
 public:
    explicit AlignedCopy(ByteSpan bytes) : words_((bytes.size() + 7) / 8), size_{bytes.size()} {
        if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
    }
    [[nodiscard]] ByteSpan bytes() const { return std::as_bytes(std::span{words_}).first(size_); }

 private:
    std::vector<std::uint64_t> words_;
    std::size_t size_;
};

nlohmann::json result_document(const programs::Program& finished) {
    return {{"result_sha256", to_hex(sha256(finished.result_bytes()))}};
}

Result<jobs::PreparedJob> prepared_job(std::unique_ptr<programs::Program> program) {
    const auto finish = [finished = program.get()]() -> Result<nlohmann::json> {
        return result_document(*finished);
    };
    return jobs::PreparedJob{std::move(program), finish, true, {}, {}};
}

}  // namespace

JobCatalog::JobCatalog(std::filesystem::path folder)
    : folder_{std::move(folder)}, blobs_{value_or_throw(store::BlobStore::open(folder_))} {
    for (const auto& [task_count, payload_bytes] :
         {std::pair{1U, 0U}, {2U, 24U}, {7U, 64U}, {23U, 8U}, {60U, 200U}, {200U, 1U}}) {
        add("noop " + std::to_string(task_count),
            [plan = programs::NoopPlan{task_count, payload_bytes}] {
                return std::make_unique<programs::NoopProgram>(plan);
            });
    }
    for (const std::uint32_t task_count : {5U, 1000U}) {
        add_to(crowd_jobs_, "noop " + std::to_string(task_count), [task_count] {
            return std::make_unique<programs::NoopProgram>(programs::NoopPlan{task_count, 8});
        });
    }
    // Small tiles ride inline in a lease; those of 700 rows are blobs.
    const std::vector<std::vector<std::uint32_t>> shapes{
        {40}, {16, 17, 1}, {30, 30, 30, 5}, {12, 12, 12, 12, 12, 12, 12, 3}, {700, 650}};
    std::uint64_t seed = 1;
    for (const std::vector<std::uint32_t>& rows : shapes) {
        const auto data = testing::random_training_data(rows, 3, seed++);
        programs::TrainPlan plan;
        plan.feature_count = data.feature_count;
        programs::PredictPlan predict{{}, data.row_counts, {{0.5, -1.25, 2}, 0.125}};
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto features = value_or_throw(held_.put(data.feature_tiles[i]));
            const auto labels = value_or_throw(held_.put(data.label_tiles[i]));
            plan.shards.push_back({features, labels, rows[i]});
            predict.shards.push_back(features);
        }
        const std::string shards = std::to_string(rows.size());
        add("train " + shards, [plan] { return std::make_unique<programs::TrainProgram>(plan); });
        add("predict " + shards,
            [predict] { return std::make_unique<programs::PredictProgram>(predict); });
    }
    add_tables();
    add_family("family 1", {{"noop 2"}, {"noop 7", "noop 1"}});
    add_family("family 2", {{"noop 23", "train 1", "noop 2"}, {"predict 3"}, {"tables 4"}});
    add_family("family 3", {std::vector<std::string>(70, "noop 1")});
}

/// Some of the tables ride inline, and some are blobs.
void JobCatalog::add_tables() {
    std::vector<programs::BlobRef> tables;
    for (const std::size_t size : {100U, 101U, 6000U, 6001U}) {
        const Bytes table(size, std::byte(size % 7));
        tables.push_back(value_or_throw(held_.put(table)));
    }
    for (const auto& [task_count, round_count, publishes] :
         {std::tuple{9U, 4U, false}, {6U, 5U, true}, {4U, 9U, true}}) {
        const TablesPlan plan{task_count, round_count, tables, publishes};
        add((publishes ? "published tables " : "tables ") + std::to_string(round_count),
            [plan] { return std::make_unique<TablesProgram>(plan); });
        jobs_.back().task_count *= round_count;
    }
}

/// One batch of jobs after the other; its result is a hash of all of theirs.
void JobCatalog::add_family(std::string name, std::vector<std::vector<std::string>> batches) {
    const auto result_of = [](std::span<const std::string> results) {
        std::string all;
        for (const std::string& result : results) all += result + "\n";
        return nlohmann::json{{"result_sha256", to_hex(sha256(as_byte_span(all)))}};
    };
    JobTemplate job;
    std::vector<std::string> expected;
    for (const std::vector<std::string>& batch : batches) {
        for (const std::string& child : batch) {
            job.task_count += find(child)->task_count;
            expected.push_back(find(child)->expected);
        }
    }
    job.expected = result_of(expected).dump();
    job.type.name = names_.emplace_back(std::move(name));
    job.type.make = [batches = std::move(batches), result_of](
                        const jobs::ParamValues&,
                        const jobs::JobContext&) -> Result<jobs::PreparedJob> {
        jobs::PreparedJob prepared;
        prepared.next_jobs =
            [batches,
             result_of](std::span<const std::string> results) -> Result<jobs::JobsOrResult> {
            jobs::JobsOrResult next;
            std::size_t passed = 0;
            for (const std::vector<std::string>& batch : batches) {
                if (results.size() == passed) {
                    for (const std::string& child : batch) next.jobs.push_back({.type = child});
                    return next;
                }
                passed += batch.size();
            }
            next.result = result_of(results);
            return next;
        };
        return prepared;
    };
    families_.push_back(std::move(job));
}

JobCatalog::~JobCatalog() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

/// As run_in_process(), but keeps all that is published.
Result<void> JobCatalog::run_alone(programs::Program& program) {
    const programs::BlobSource blobs = [this](const Sha256& sha256) { return find_blob(sha256); };
    while (const auto round = program.round()) {
        std::vector<Bytes> outputs;
        for (TaskIndex index = 0; index < round->task_count; ++index) {
            auto output =
                programs::run_task(program, *round, index, blobs,
                                   {.find_kernel = test_support::find_kernel_or_table_sums});
            if (!output) return unexpected(output.error());
            outputs.push_back(std::move(*output));
        }
        const std::vector<ByteSpan> views(outputs.begin(), outputs.end());
        programs::RoundWork work{views};
        if (auto folded = programs::fold_round(program, views, work); !folded) return folded;
        for (const auto& [name, bytes] : work.published()) {
            published_.emplace(name, Bytes{bytes.begin(), bytes.end()});
        }
    }
    return {};
}

std::optional<ByteSpan> JobCatalog::find_blob(const Sha256& sha256) const {
    // The store keeps the mapping for as long as it is held.
    if (const auto file = blobs_->find(sha256)) return file->bytes();
    const auto found = published_.find(sha256);
    return found == published_.end() ? std::nullopt : std::optional<ByteSpan>{found->second};
}

void JobCatalog::add_to(std::deque<JobTemplate>& jobs, std::string name, const MakeProgram& make) {
    const auto program = make();
    const auto ran = run_alone(*program);
    if (!ran) throw std::runtime_error(name + ": " + ran.error().message);
    JobTemplate job;
    job.type.name = names_.emplace_back(std::move(name));
    job.type.make = [make](const jobs::ParamValues&, const jobs::JobContext&) {
        return prepared_job(make());
    };
    job.expected = result_document(*program).dump();
    job.task_count = make()->round()->task_count;
    if (const auto* train = dynamic_cast<const programs::TrainProgram*>(program.get())) {
        job.task_count *= train->iterations() + 1;
    }
    job.type.is_quick = dynamic_cast<const programs::NoopProgram*>(program.get()) != nullptr;
    jobs.push_back(std::move(job));
}

const JobTemplate* JobCatalog::find(std::string_view name) const {
    for (const std::deque<JobTemplate>* jobs : {&jobs_, &crowd_jobs_, &families_}) {
        const auto found =
            std::ranges::find(*jobs, name, [](const JobTemplate& job) { return job.type.name; });
        if (found != jobs->end()) return &*found;
    }
    return nullptr;
}

const jobs::JobType* JobCatalog::find_job_type(std::string_view name) const {
    const JobTemplate* const found = find(name);
    return found == nullptr ? nullptr : &found->type;
}

std::optional<ByteSpan> JobCatalog::bytes_of(const protocol::WireInput& input) const {
    if (const auto* const inlined = std::get_if<protocol::InlineInput>(&input)) {
        return inlined->bytes;
    }
    return find_blob(std::get<protocol::BlobInput>(input).sha256);
}

std::uint64_t JobCatalog::key_of(const protocol::Lease& lease,
                                 const protocol::LeasedTask& task) const {
    std::uint64_t key = std::hash<std::string_view>{}(lease.kernel) + lease.kernel_version;
    const auto mix = [&](const protocol::WireInput& input) {
        const auto* const blob = std::get_if<protocol::BlobInput>(&input);
        const ByteSpan bytes =
            blob != nullptr ? std::as_bytes(std::span{blob->sha256.digest}) : *bytes_of(input);
        key = (key ^ std::hash<std::string_view>{}(as_text(bytes))) * 0x9e3779b97f4a7c15U + 1;
        key ^= key >> 31;
    };
    for (const protocol::WireInput& input : lease.shared_inputs) mix(input);
    for (const protocol::WireInput& input : task.inputs) mix(input);
    return key;
}

Result<Bytes> JobCatalog::run(const protocol::Lease& lease, const protocol::LeasedTask& task,
                              kernels::MemoValues& memo) {
    const std::uint64_t key = key_of(lease, task);
    if (const auto known = outputs_.find(key); known != outputs_.end()) return known->second;
    const auto* const kernel =
        test_support::find_kernel_or_table_sums(lease.kernel, lease.kernel_version);
    NETCOMPUTE_ASSERT(kernel != nullptr, "the catalog's programs use kernels of this build");
    std::vector<AlignedCopy> copies;
    std::vector<ByteSpan> spans;
    kernels::TaskMemo task_memo{memo};
    for (const auto* const inputs : {&lease.shared_inputs, &task.inputs}) {
        for (const protocol::WireInput& input : *inputs) {
            const auto bytes = bytes_of(input);
            if (!bytes) return unexpected(ErrorCode::Unavailable, "a blob is not there any more");
            spans.push_back(copies.emplace_back(*bytes).bytes());
            const auto* const blob = std::get_if<protocol::BlobInput>(&input);
            if (blob != nullptr) task_memo.know(spans.back(), blob->sha256);
        }
    }
    Result<Bytes> output = kernel->run(spans, task_memo);
    const bool remembers = kernels::find_kernel(lease.kernel, lease.kernel_version) == nullptr;
    return remembers ? output : outputs_.emplace(key, std::move(output)).first->second;
}

}  // namespace netcompute::sim
