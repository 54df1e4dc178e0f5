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

Bytes join_frame(const FrameParts& parts) {
    Bytes message;
    message.reserve(sizeof(std::uint32_t) + parts.header.size() + parts.payload.size());
    ByteWriter writer{message};
    writer.number(static_cast<std::uint32_t>(parts.header.size()));
    writer.bytes(as_byte_span(parts.header));
    writer.bytes(parts.payload);
    return message;
}

Result<FrameParts> split_frame(ByteSpan message) {
    ByteReader reader{message};
    const auto header_size = reader.number<std::uint32_t>();
    if (!reader.ok()) {
        return violation("frame: " + std::to_string(message.size()) +
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
    const std::string_view header = as_text(reader.bytes(header_size));
    return FrameParts{header, reader.bytes(reader.left())};
}

Bytes encode_frame(const nlohmann::json& header, ByteSpan payload) {
    return join_frame({encode_header(header), payload});
}

Result<Frame> decode_frame(ByteSpan bytes) {
    const auto parts = split_frame(bytes);
    if (!parts) return unexpected(parts.error());
    auto header = decode_header(parts->header);
    if (!header) return unexpected(header.error());
    return Frame{std::move(*header), Bytes{parts->payload.begin(), parts->payload.end()}};
}

}  // namespace netcompute::protocol
