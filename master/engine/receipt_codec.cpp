#include "engine/receipt.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace netcompute::engine {
namespace {

constexpr std::size_t task_bytes_min = 33;  ///< A digest, and a worker's number of up to 63.

/// Seven bits a byte, lowest first; the top bit says that more follow.
void write_short(ByteWriter& writer, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) writer.number(static_cast<std::uint8_t>(value | 0x80));
    writer.number(static_cast<std::uint8_t>(value));
}

std::uint64_t read_short(ByteReader& reader) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const auto byte = reader.number<std::uint8_t>();
        value |= std::uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) break;
    }
    return value;
}

void write_text(ByteWriter& writer, std::string_view text) {
    write_short(writer, text.size());
    writer.bytes(as_byte_span(text));
}

std::string read_text(ByteReader& reader) {
    const std::uint64_t size = read_short(reader);
    return std::string{as_text(reader.bytes(size))};
}

void write_digest(ByteWriter& writer, const Sha256& sha256) {
    writer.bytes(std::as_bytes(std::span{sha256.digest}));
}

Sha256 read_digest(ByteReader& reader) {
    Sha256 sha256;
    const ByteSpan digest = reader.bytes(sha256.digest.size());
    if (reader.ok()) std::memcpy(sha256.digest.data(), digest.data(), digest.size());
    return sha256;
}

void write_round(ByteWriter& writer, const ReceiptRound& round, int format_version) {
    write_text(writer, round.kernel);
    writer.number(round.kernel_version);
    if (format_version == receipt_format_version_first) {
        write_text(writer, as_text(round.state));
    } else {
        writer.number(round.task_count);
        write_digest(writer, round.state_sha256);
        write_digest(writer, round.results_sha256);
        writer.number(round.confirmed_count);
    }
    writer.number(static_cast<std::uint32_t>(round.outputs.size()));
    for (const ReceiptOutput& output : round.outputs) {
        write_digest(writer, output.sha256);
        write_short(writer, output.worker.value << 1 | (output.confirmed ? 1U : 0U));
    }
}

ReceiptRound read_round(ByteReader& reader, int format_version) {
    ReceiptRound round;
    round.kernel = read_text(reader);
    round.kernel_version = reader.number<std::uint32_t>();
    if (format_version == receipt_format_version_first) {
        const ByteSpan state = reader.bytes(read_short(reader));
        round.state.assign(state.begin(), state.end());
    } else {
        round.task_count = reader.number<std::uint32_t>();
        round.state_sha256 = read_digest(reader);
        round.results_sha256 = read_digest(reader);
        round.confirmed_count = reader.number<std::uint32_t>();
    }
    const auto listed_count = reader.number<std::uint32_t>();
    if (reader.left() / task_bytes_min < listed_count) {
        static_cast<void>(reader.bytes(reader.left() + 1));  // Past the end: not ok any more.
        return round;
    }
    round.outputs.resize(listed_count);
    for (ReceiptOutput& output : round.outputs) {
        output.sha256 = read_digest(reader);
        const std::uint64_t worker = read_short(reader);
        output.worker = WorkerId{worker >> 1};
        output.confirmed = (worker & 1) != 0;
    }
    if (format_version == receipt_format_version_first) complete_first_version(round);
    return round;
}

Unexpected unreadable(ByteSpan bytes) {
    return unexpected(ErrorCode::InvalidArgument,
                      "the stored receipt is not one of this version's (" +
                          std::to_string(bytes.size()) + " bytes)");
}

}  // namespace

Bytes encode_told_round(const ToldRound& told) {
    Bytes bytes;
    ByteWriter writer{bytes};
    write_round(writer, told.round, receipt_format_version);
    write_short(writer, told.shares.size());
    for (const auto& [worker, share] : told.shares) {
        write_short(writer, worker.value);
        write_short(writer, share.output_count);
        write_short(writer, share.confirmed_count);
        write_short(writer, share.confirmations_count);
    }
    return bytes;
}

Result<ToldRound> decode_told_round(ByteSpan bytes) {
    ByteReader reader{bytes};
    ToldRound told{read_round(reader, receipt_format_version), {}};
    for (std::uint64_t left = read_short(reader); left > 0 && reader.ok(); --left) {
        ReceiptShare& share = told.shares[WorkerId{read_short(reader)}];
        share.output_count = read_short(reader);
        share.confirmed_count = read_short(reader);
        share.confirmations_count = read_short(reader);
    }
    if (!reader.finished()) return unreadable(bytes);
    return told;
}

void complete_first_version(ReceiptRound& round) {
    round.task_count = static_cast<std::uint32_t>(round.outputs.size());
    round.state_sha256 = sha256(round.state);
    round.results_sha256 = results_sha256(round.outputs);
    round.confirmed_count =
        static_cast<std::uint32_t>(std::ranges::count_if(round.outputs, &ReceiptOutput::confirmed));
}

Bytes encode_receipt_work(const ReceiptWork& work) {
    Bytes bytes;
    std::size_t task_count = 0;
    for (const ReceiptRound& round : work.rounds) task_count += round.outputs.size();
    bytes.reserve((task_bytes_min + 2) * task_count + 4096);
    ByteWriter writer{bytes};
    writer.number(static_cast<std::uint8_t>(work.format_version));
    write_text(writer, work.software.empty() ? NETCOMPUTE_VERSION : work.software);
    write_short(writer, work.workers.size());
    for (const ReceiptWorker& worker : work.workers) {
        write_short(writer, worker.id.value);
        write_text(writer, worker.key);
        write_text(writer, worker.name);
        write_text(writer, worker.kind);
        if (work.format_version == receipt_format_version_first) continue;
        write_short(writer, worker.output_count);
        write_short(writer, worker.confirmed_count);
    }
    write_short(writer, work.rounds.size());
    for (const ReceiptRound& round : work.rounds) write_round(writer, round, work.format_version);
    return bytes;
}

Result<ReceiptWork> decode_receipt_work(ByteSpan bytes) {
    ByteReader reader{bytes};
    ReceiptWork work;
    work.format_version = reader.number<std::uint8_t>();
    const bool is_known = work.format_version >= receipt_format_version_first &&
                          work.format_version <= receipt_format_version;
    if (!is_known) work.format_version = receipt_format_version;
    work.software = read_text(reader);
    for (std::uint64_t left = read_short(reader); left > 0 && reader.ok(); --left) {
        ReceiptWorker& worker = work.workers.emplace_back();
        worker.id = WorkerId{read_short(reader)};
        worker.key = read_text(reader);
        worker.name = read_text(reader);
        worker.kind = read_text(reader);
        if (work.format_version == receipt_format_version_first) continue;
        worker.output_count = read_short(reader);
        worker.confirmed_count = read_short(reader);
    }
    for (std::uint64_t left = read_short(reader); left > 0 && reader.ok(); --left) {
        work.rounds.push_back(read_round(reader, work.format_version));
    }
    if (is_known && reader.finished()) return work;
    return unreadable(bytes);
}

}  // namespace netcompute::engine
