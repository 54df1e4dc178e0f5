#include "engine/receipt_reader.hpp"

#include <charconv>
#include <optional>

namespace netcompute::engine {
namespace {

constexpr std::size_t hex_digits = 64;
constexpr std::string_view root_line_start = "\"root_sha256\": \"";
constexpr std::string_view root_line_end = "\"}\n";
constexpr std::size_t root_line_bytes = root_line_start.size() + hex_digits + root_line_end.size();

Unexpected refused(const std::string& what) {
    return unexpected(ErrorCode::InvalidArgument, what);
}

std::optional<unsigned> digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
    return std::nullopt;
}

std::optional<Bytes> from_hex(std::string_view hex) {
    if (hex.size() % 2 != 0) return std::nullopt;
    Bytes bytes;
    bytes.reserve(hex.size() / 2);
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const auto high = digit_value(hex[i]);
        const auto low = digit_value(hex[i + 1]);
        if (!high || !low) return std::nullopt;
        bytes.push_back(static_cast<std::byte>(*high << 4 | *low));
    }
    return bytes;
}

/// Takes a number off the front of `text`.
bool take_number(std::string_view& text, std::uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

/// "HEX WORKER CONFIRMED", as append_round() wrote it.
std::optional<ReceiptOutput> read_output(std::string_view line) {
    const auto sha256 = sha256_from_hex(line.substr(0, hex_digits));
    if (!sha256 || line.size() < hex_digits + 2 || line[hex_digits] != ' ') return std::nullopt;
    line.remove_prefix(hex_digits + 1);
    ReceiptOutput output;
    output.sha256 = *sha256;
    if (!take_number(line, output.worker.value)) return std::nullopt;
    if (line != " 0" && line != " 1") return std::nullopt;
    output.confirmed = line == " 1";
    return output;
}

/// Throws what nlohmann throws where it is no text.
Result<Sha256> read_digest(const nlohmann::json& json, const std::string& where, const char* name) {
    const auto sha256 = sha256_from_hex(json.at(name).get_ref<const std::string&>());
    if (!sha256)
        return refused(where + ": " + name + ": " + json.at(name).dump() + " is not a SHA-256");
    return *sha256;
}

Result<void> read_outputs(const nlohmann::json& results, ReceiptRound& round,
                          const std::string& where) {
    round.outputs.reserve(results.size());
    for (const auto& result : results) {
        const auto output = read_output(result.get_ref<const std::string&>());
        if (!output) {
            return refused(where + " task " + std::to_string(round.outputs.size()) + ": " +
                           result.dump() + " is not \"SHA256 WORKER CONFIRMED\"");
        }
        round.outputs.push_back(*output);
    }
    if (round.task_count == round.outputs.size()) return {};
    return refused(where + ": task_count: " + std::to_string(round.task_count) +
                   ", but there are " + std::to_string(round.outputs.size()) + " results");
}

/// What the first version has: the state itself, and each task.
Result<void> read_first_version(const nlohmann::json& json, ReceiptRound& round,
                                const std::string& where) {
    auto state = from_hex(json.at("state").get_ref<const std::string&>());
    if (!state || sha256(*state) != round.state_sha256) {
        return refused(where + ": state: it is not the state of its state_sha256");
    }
    round.state = std::move(*state);
    if (auto read = read_outputs(json.at("results"), round, where); !read) return read;
    complete_first_version(round);
    return {};
}

Result<void> read_second_version(const nlohmann::json& json, ReceiptRound& round,
                                 const std::string& where) {
    const auto results = read_digest(json, where, "results_sha256");
    if (!results) return unexpected(results.error());
    round.results_sha256 = *results;
    round.confirmed_count = json.at("confirmed");
    if (!json.contains("results")) return {};
    if (auto read = read_outputs(json.at("results"), round, where); !read) return read;
    if (results_sha256(round.outputs) == round.results_sha256) return {};
    return refused(where + ": results: they are not those of its results_sha256");
}

Result<ReceiptRound> read_round(const nlohmann::json& json, const std::string& where,
                                int format_version) {
    ReceiptRound round;
    const auto& kernel = json.at("kernel").get_ref<const std::string&>();
    const std::size_t at = kernel.rfind('@');
    std::string_view version = std::string_view{kernel}.substr(at == kernel.npos ? 0 : at + 1);
    std::uint64_t number = 0;
    if (at == kernel.npos || !take_number(version, number) || !version.empty()) {
        return refused(where + ": kernel: \"" + kernel + "\" is not NAME@VERSION");
    }
    round.kernel = kernel.substr(0, at);
    round.kernel_version = static_cast<std::uint32_t>(number);
    round.task_count = json.at("task_count");
    const auto state = read_digest(json, where, "state_sha256");
    if (!state) return unexpected(state.error());
    round.state_sha256 = *state;
    const auto read = format_version == receipt_format_version_first
                          ? read_first_version(json, round, where)
                          : read_second_version(json, round, where);
    if (!read) return unexpected(read.error());
    return round;
}

Result<std::vector<jobs::JobInput>> read_inputs(const nlohmann::json& json) {
    std::vector<jobs::JobInput> inputs;
    for (const auto& one : json) {
        const auto sha256 = sha256_from_hex(one.at("sha256").get_ref<const std::string&>());
        if (!sha256) return refused("inputs: " + one.at("sha256").dump() + " is not a SHA-256");
        inputs.push_back({one.at("name"), one.at("path"), *sha256});
    }
    return inputs;
}

/// Throws what nlohmann throws where something is missing or of another kind.
Result<Receipt> read_parts(const nlohmann::json& json, int format_version) {
    Receipt receipt;
    receipt.work.format_version = format_version;
    receipt.software = json.at("software");
    const auto& job = json.at("job");
    receipt.job_id = job.at("id");
    receipt.job_name = job.at("name");
    receipt.job_type = job.at("type");
    receipt.job_state = job.at("state");
    receipt.params = job.at("params");
    if (!receipt.params.is_object()) return refused("job.params: is not an object");
    auto inputs = read_inputs(json.at("inputs"));
    if (!inputs) return unexpected(inputs.error());
    receipt.inputs = std::move(*inputs);
    for (const auto& worker : json.at("workers")) {
        receipt.work.workers.push_back({WorkerId{worker.at("number").get<std::uint64_t>()},
                                        worker.at("id"), worker.at("name"), worker.at("kind")});
        if (format_version == receipt_format_version_first) continue;
        receipt.work.workers.back().output_count = worker.at("results");
        receipt.work.workers.back().confirmed_count = worker.at("confirmed");
    }
    for (const auto& one : json.at("rounds")) {
        const std::string where = "round " + std::to_string(receipt.work.rounds.size());
        auto round = read_round(one, where, format_version);
        if (!round) return unexpected(round.error());
        receipt.work.rounds.push_back(std::move(*round));
    }
    receipt.work.software = receipt.software;
    receipt.result = json.at("result");
    receipt.root_sha256 = json.at("root_sha256");
    return receipt;
}

/// That the last line holds the SHA-256 of what stands before it.
Result<void> check_root(std::string_view text) {
    const std::size_t body_bytes = text.size() - std::min(text.size(), root_line_bytes);
    const std::string_view last_line = text.substr(body_bytes);
    const std::string root = to_hex(sha256(as_byte_span(text.substr(0, body_bytes))));
    if (last_line == root_line(root)) return {};
    const bool has_root = last_line.starts_with(root_line_start);
    return refused(has_root ? "it was changed after it was written: its bytes have the SHA-256 " +
                                  root + ", not that of its last line"
                            : "its last line is not " + std::string{root_line_start} +
                                  "…\"}: it was cut off, changed, or is no receipt");
}

}  // namespace

std::string root_line(std::string_view root_sha256) {
    return std::string{root_line_start} + std::string{root_sha256} + std::string{root_line_end};
}

std::string hex_of(ByteSpan bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        const auto value = std::to_integer<unsigned>(byte);
        hex += digits[value >> 4];
        hex += digits[value & 15];
    }
    return hex;
}

Result<Receipt> read_receipt(std::string_view text) {
    if (auto intact = check_root(text); !intact) return unexpected(intact.error());
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || json.value("format", nlohmann::json{}) != receipt_format) {
        return refused("it is not a receipt of NetCompute");
    }
    const auto version = json.value("format_version", nlohmann::json{});
    if (version != receipt_format_version_first && version != receipt_format_version) {
        return refused("format_version: " + version.dump() + "; this version reads up to " +
                       std::to_string(receipt_format_version) + ": use a newer netcompute-master");
    }
    try {
        return read_parts(json, version.get<int>());
    } catch (const nlohmann::json::exception& error) {
        return refused(std::string{"it is not a receipt of NetCompute: "} + error.what());
    }
}

}  // namespace netcompute::engine
