#include "engine/receipt.hpp"

#include "engine/receipt_reader.hpp"
#include "jobs/job_files.hpp"
#include "store/job_texts.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace netcompute::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t line_bytes = 80;   ///< Of one task's result, about.
constexpr std::uint32_t listed_max = 8;  ///< Tasks of a round after the first one.

std::string dumped(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json parsed(const std::string& text, Json otherwise) {
    return text.empty() ? std::move(otherwise) : Json::parse(text);
}

std::string kernel_name(const ReceiptRound& round) {
    return round.kernel + "@" + std::to_string(round.kernel_version);
}

Json job_part(const store::JobRecord& job) {
    return {{"id", job.id.value},
            {"name", job.name},
            {"type", job.type},
            {"params", Json(jobs::shown_params(job))},
            {"validation", job.validation.empty() ? "default" : job.validation},
            {"submitted_at", job.submitted_unix_ms},
            {"elapsed", job.elapsed_seconds},
            {"state", store::job_state_name(job.state)}};
}

Json kernels_part(const ReceiptWork& work) {
    std::set<std::string> names;
    for (const ReceiptRound& round : work.rounds) names.insert(kernel_name(round));
    return names;
}

void append_workers(std::string& text, const ReceiptWork& work) {
    text += "\"workers\": [";
    const char* separator = "\n";
    for (const ReceiptWorker& worker : work.workers) {
        text += separator;
        Json one = {{"number", worker.id.value},
                    {"id", worker.key},
                    {"name", worker.name},
                    {"kind", worker.kind}};
        if (work.format_version > receipt_format_version_first) {
            one["results"] = worker.output_count;
            one["confirmed"] = worker.confirmed_count;
        }
        text += dumped(one);
        separator = ",\n";
    }
    text += "],\n";
}

/// By hand, line by line: a million tasks are no tree of a million nodes.
void append_round(std::string& text, const ReceiptRound& round, int format_version) {
    Json json = {{"kernel", kernel_name(round)}, {"task_count", round.task_count}};
    if (format_version == receipt_format_version_first) json["state"] = hex_of(round.state);
    json["state_sha256"] = to_hex(round.state_sha256);
    if (format_version > receipt_format_version_first) {
        json["results_sha256"] = to_hex(round.results_sha256);
        json["confirmed"] = round.confirmed_count;
    }
    const std::string head = dumped(json);
    text.append(head, 0, head.size() - 1);
    if (round.outputs.empty()) {
        text += '}';
        return;
    }
    text += ",\"results\": [";
    const char* separator = "\n\"";
    for (const ReceiptOutput& output : round.outputs) {
        text += separator;
        text += to_hex(output.sha256);
        text += ' ';
        text += std::to_string(output.worker.value);
        text += output.confirmed ? " 1\"" : " 0\"";
        separator = ",\n\"";
    }
    text += "]}";
}

std::size_t expected_bytes(const ReceiptWork& work) {
    std::size_t bytes = 1 << 16;
    for (const ReceiptRound& round : work.rounds) {
        bytes += round.outputs.size() * line_bytes + round.state.size() * 2 + 512;
    }
    return bytes;
}

}  // namespace

Sha256 results_sha256(std::span<const ReceiptOutput> outputs) {
    Bytes digests;
    digests.reserve(outputs.size() * sizeof(Sha256::digest));
    ByteWriter writer{digests};
    for (const ReceiptOutput& output : outputs) {
        writer.bytes(std::as_bytes(std::span{output.sha256.digest}));
    }
    return sha256(digests);
}

ToldRound tell_round(RoundIndex round, const core::RoundTasks& tasks, const KernelName& kernel,
                     const Sha256& state_sha256) {
    ToldRound told;
    ReceiptRound& receipt = told.round;
    receipt.kernel = kernel.name;
    receipt.kernel_version = kernel.version;
    receipt.task_count = tasks.task_count();
    receipt.state_sha256 = state_sha256;
    receipt.outputs.reserve(tasks.task_count());
    for (TaskIndex index = 0; index < tasks.task_count(); ++index) {
        if (!tasks.has_output(index)) continue;
        const bool confirmed = tasks.confirmed(index);
        const WorkerId author = tasks.author(index);
        receipt.outputs.push_back({author, tasks.sha256(index), confirmed});
        if (confirmed) ++receipt.confirmed_count;
        if (author != WorkerId{}) {
            ++told.shares[author].output_count;
            if (confirmed) ++told.shares[author].confirmed_count;
        }
        const WorkerId confirmer = confirmed ? tasks.confirmer(index) : WorkerId{};
        if (confirmer != WorkerId{}) ++told.shares[confirmer].confirmations_count;
    }
    receipt.results_sha256 = results_sha256(receipt.outputs);
    if (!lists_tasks(round, receipt.task_count)) receipt.outputs = {};
    return told;
}

bool lists_tasks(RoundIndex round, std::uint32_t task_count) {
    return round == 0 || task_count <= listed_max;
}

std::string receipt_text(const store::JobRecord& job, const ReceiptWork& work) {
    std::string text;
    text.reserve(expected_bytes(work));
    const auto line = [&text](std::string_view key, const Json& value) {
        text += '"';
        text += key;
        text += "\": " + dumped(value) + ",\n";
    };
    text += "{\n";
    line("format", receipt_format);
    line("format_version", work.format_version);
    line("software", "netcompute " + work.software);
    line("job", job_part(job));
    line("inputs", parsed(store::job_files_text(job.inputs), Json::array()));
    line("kernels", kernels_part(work));
    append_workers(text, work);
    text += "\"rounds\": [";
    const char* separator = "\n";
    for (const ReceiptRound& round : work.rounds) {
        text += separator;
        append_round(text, round, work.format_version);
        separator = ",\n";
    }
    text += "],\n";
    line("result", parsed(job.result, Json{}));
    const std::string root = to_hex(sha256(as_byte_span(text)));
    text += root_line(root);
    return text;
}

}  // namespace netcompute::engine
