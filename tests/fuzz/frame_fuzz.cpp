/// Input: a WebSocket message, as a stranger may send it.
#include "fuzz_target.hpp"
#include "message_checks.hpp"
#include <netcompute/protocol/frame.hpp>

namespace netcompute::fuzz {
namespace {

using namespace protocol;

/// The same frame over ZeroMQ: header and payload in two parts.
void check_parts(ByteSpan input, const Frame& frame) {
    ByteReader reader{input};
    const auto header_size = reader.number<std::uint32_t>();
    const auto header = decode_header(as_text(reader.bytes(header_size)));
    NETCOMPUTE_ASSERT(header && *header == frame.header, "both transports read one header");
    NETCOMPUTE_ASSERT(as_text(reader.bytes(reader.left())) == as_text(frame.payload),
                      "both transports read one payload");
}

}  // namespace

bool try_input(ByteSpan input) {
    const auto frame = decode_frame(input);
    if (!frame) {
        NETCOMPUTE_ASSERT(frame.error().code == ErrorCode::ProtocolViolation,
                          "whatever is no frame is a violation of the protocol");
        return false;
    }
    check_parts(input, *frame);

    const Bytes encoded = encode_frame(frame->header, frame->payload);
    const auto again = decode_frame(encoded);
    NETCOMPUTE_ASSERT(again, "what we encode decodes");
    NETCOMPUTE_ASSERT(again->header == frame->header && again->payload == frame->payload,
                      "a frame survives the way there and back");
    NETCOMPUTE_ASSERT(encode_frame(again->header, again->payload) == encoded,
                      "a frame has one form");
    return check_messages(frame->header, frame->payload);
}

}  // namespace netcompute::fuzz
