#include "fixtures.hpp"
#include <netcompute/protocol/messages.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::protocol {
namespace {

/// What decoding a case says, from the frame or from the header and payload it has; empty if
/// nothing was found wrong.
Error error_of(const nlohmann::json& fixture) {
    nlohmann::json header;
    Bytes payload;
    if (fixture.contains("frame_hex")) {
        auto frame = decode_frame(from_hex(fixture.at("frame_hex").get<std::string>()));
        if (!frame) return frame.error();
        header = frame->header;
        payload = frame->payload;
    } else {
        header = fixture.at("header");
        payload = from_hex(fixture.at("payload_hex").get<std::string>());
    }
    if (fixture.at("direction") == "worker") {
        const auto message = decode_worker_message(header, payload);
        return message ? Error{} : message.error();
    }
    const auto message = decode_master_message(header, payload);
    return message ? Error{} : message.error();
}

// Each way to be malformed is refused, and the error names what was wrong: a stranger's frame
// must cost its sender the session and nothing else.
TEST(MalformedTest, EveryFixtureIsRefusedWithAnErrorThatNamesTheFault) {
    const auto cases = fixture_cases("malformed.json");
    EXPECT_GE(cases.size(), 100U);
    for (const auto& fixture : cases) {
        SCOPED_TRACE(fixture.at("name").get<std::string>());
        const Error error = error_of(fixture);
        EXPECT_EQ(error.code, ErrorCode::ProtocolViolation);
        EXPECT_THAT(error.message, testing::HasSubstr(fixture.at("says").get<std::string>()));
    }
}

// A frame cut at any byte is refused: none is taken for a whole one or read past its end.
TEST(MalformedTest, NoPrefixOfAFrameIsTakenForAMessage) {
    for (const auto& fixture : fixture_cases("valid.json")) {
        SCOPED_TRACE(fixture.at("name").get<std::string>());
        const Bytes whole = from_hex(fixture.at("frame_hex").get<std::string>());
        for (std::size_t size = 0; size < whole.size(); ++size) {
            nlohmann::json cut = fixture;
            // An exact copy, so that a sanitizer sees a read past the end.
            cut["frame_hex"] = to_hex(Bytes{whole.begin(), whole.begin() + std::ptrdiff_t(size)});
            EXPECT_EQ(error_of(cut).code, ErrorCode::ProtocolViolation) << size;
        }
    }
}

// Any one byte of a frame may be anything: it decodes or is refused, and nothing else happens.
TEST(MalformedTest, NoChangedByteCrashesTheDecoder) {
    std::size_t refused = 0;
    for (const auto& fixture : fixture_cases("valid.json")) {
        SCOPED_TRACE(fixture.at("name").get<std::string>());
        const Bytes whole = from_hex(fixture.at("frame_hex").get<std::string>());
        for (std::size_t place = 0; place < whole.size(); ++place) {
            for (const unsigned value : {0x00U, 0x01U, 0x22U, 0x5bU, 0x7fU, 0x80U, 0xffU}) {
                Bytes changed = whole;
                changed[place] = static_cast<std::byte>(value);
                auto frame = decode_frame(changed);
                if (!frame || !decode_worker_message(frame->header, frame->payload)) ++refused;
                if (frame) std::ignore = decode_master_message(frame->header, frame->payload);
            }
        }
    }
    EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace netcompute::protocol
