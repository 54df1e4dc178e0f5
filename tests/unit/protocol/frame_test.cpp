#include "fixtures.hpp"
#include <netcompute/protocol/frame.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::protocol {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// A name that is not UTF-8 (file systems and host names need not be) still makes a valid header.
TEST(FrameTest, TextThatIsNotUtf8IsReplaced) {
    const std::string header = encode_header({{"type", "hello"}, {"name", "caf\xe9"}});
    const auto decoded = decode_header(header);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->at("name"), "caf\xef\xbf\xbd");
}

// A frame may be as large as the limit, and not one byte larger.
TEST(FrameTest, LimitOfAFrameCountsHeaderAndPayload) {
    const json header = {{"type", "ack"}};
    const Bytes payload(frame_bytes_max - encode_header(header).size());
    Bytes frame = encode_frame(header, payload);
    const auto whole = decode_frame(frame);
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(whole->payload.size(), payload.size());

    frame.push_back(std::byte{0});
    const auto larger = decode_frame(frame);
    ASSERT_FALSE(larger);
    EXPECT_THAT(larger.error().message, HasSubstr("16777217"));
}

// The same for the header alone.
TEST(FrameTest, LimitOfAHeaderIsExact) {
    const std::string start = R"({"type":"ack","x":")";
    const std::string largest =
        start + std::string(header_bytes_max - start.size() - 2, 'x') + "\"}";
    ASSERT_EQ(largest.size(), header_bytes_max);
    EXPECT_TRUE(decode_header(largest));
    const auto larger = decode_header(largest + " ");
    ASSERT_FALSE(larger);
    EXPECT_THAT(larger.error().message, HasSubstr("65537"));
}

// Brackets in text are text: only real nesting counts against the limit of depth.
TEST(FrameTest, DepthIsCountedOutsideOfTextOnly) {
    EXPECT_TRUE(decode_header(R"({"type":"ack","x":"[[[[[[[[[[[[\"[[[[[[[[[["})"));
    EXPECT_TRUE(decode_header(R"({"type":"ack","x":[[[[[[[]]]]]]]})"));
    EXPECT_FALSE(decode_header(R"({"type":"ack","x":[[[[[[[[]]]]]]]]})"));
}

// The deepest header that fits into the limit of size must not exhaust the stack.
TEST(FrameTest, HeaderOfBracketsOnlyIsRefused) {
    const auto decoded = decode_header(std::string(header_bytes_max, '['));
    ASSERT_FALSE(decoded);
    EXPECT_THAT(decoded.error().message, HasSubstr("too deep"));
}

// Numbers that no double can hold are refused, whole ones or not.
TEST(FrameTest, NumberOutOfRangeIsRefused) {
    EXPECT_FALSE(decode_header(R"({"type":"ack","x":1e999})"));
    EXPECT_FALSE(decode_header(R"({"type":"ack","x":)" + std::string(400, '9') + "}"));
}

}  // namespace
}  // namespace netcompute::protocol
