#include <netcompute/json_depth.hpp>
#include <netcompute/protocol/frame.hpp>

#include <string>

namespace netcompute::protocol {
namespace {

Unexpected violation(std::string message) {
    return unexpected(ErrorCode::ProtocolViolation, std::move(message));
}

constexpr int header_depth_max = 8;  ///< Deeper than any message needs.

}  // namespace

std::string encode_header(const nlohmann::json& header) {
    return header.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

Result<nlohmann::json> decode_header(std::string_view text) {
    if (text.size() > header_bytes_max) {
        return violation("header: " + std::to_string(text.size()) + " bytes are more than " +
                         std::to_string(header_bytes_max));
    }
    if (is_nested_deeper(text, header_depth_max)) {
        return violation("header: arrays or objects too deep in each other");
    }
    auto header = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (header.is_discarded()) return violation("header: not JSON");
    if (!header.is_object()) return violation("header: not a JSON object");
    const auto type = header.find("type");
    if (type == header.end() || !type->is_string()) return violation("header: no \"type\" text");
    return header;
}

Bytes encode_frame(const nlohmann::json& header, ByteSpan payload) {
    const std::string text = encode_header(header);
    Bytes frame;
    frame.reserve(sizeof(std::uint32_t) + text.size() + payload.size());
    ByteWriter writer{frame};
    writer.number(static_cast<std::uint32_t>(text.size()));
    writer.bytes(as_byte_span(text));
    writer.bytes(payload);
    return frame;
}

Result<Frame> decode_frame(ByteSpan bytes) {
    ByteReader reader{bytes};
    const auto header_size = reader.number<std::uint32_t>();
    if (!reader.ok()) {
        return violation("frame: " + std::to_string(bytes.size()) +
                         " bytes are too few for a header size");
    }
    if (reader.left() > frame_bytes_max) {
        return violation("frame: " + std::to_string(reader.left()) + " bytes are more than " +
                         std::to_string(frame_bytes_max));
    }
    if (header_size > header_bytes_max) {
        return violation("frame: header size " + std::to_string(header_size) + " is more than " +
                         std::to_string(header_bytes_max));
    }
    if (header_size > reader.left()) {
        return violation("frame: truncated: header size " + std::to_string(header_size) +
                         " but only " + std::to_string(reader.left()) + " bytes follow");
    }
    auto header = decode_header(as_text(reader.bytes(header_size)));
    if (!header) return unexpected(header.error());
    const ByteSpan payload = reader.bytes(reader.left());
    return Frame{std::move(*header), Bytes{payload.begin(), payload.end()}};
}

}  // namespace netcompute::protocol
