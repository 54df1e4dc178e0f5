/// Input: a header's text, a line feed, and payload bytes. Unlike a frame's, its parts can change
/// in length one at a time, which lets mutations reach deep into both.
#include "fuzz_target.hpp"
#include "message_checks.hpp"
#include <netcompute/protocol/frame.hpp>

#include <algorithm>

namespace netcompute::fuzz {

bool try_input(ByteSpan input) {
    const std::string_view text = as_text(input);
    const std::size_t header_size = std::min(text.find('\n'), text.size());
    const auto header = protocol::decode_header(text.substr(0, header_size));
    if (!header) return false;
    const std::size_t payload_start = std::min(header_size + 1, text.size());
    return check_messages(*header, input.subspan(payload_start));
}

}  // namespace netcompute::fuzz
