#include "net/zmtp/reader.hpp"
#include "zmtp_peer_bytes.hpp"
#include <netcompute/protocol/frame.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace netcompute::net::zmtp {
namespace {

using testing::HasSubstr;
using zmtp_bytes::frame;
using zmtp_bytes::message;
using zmtp_bytes::property;

const std::string from_dealer = zmtp_bytes::greeting() + zmtp_bytes::ready("DEALER");

/// One line an event.
std::string describe(const Reader::Event& event) {
    if (const auto* reply = std::get_if<Reader::Reply>(&event)) {
        return "reply " + std::string{as_text(reply->bytes)};
    }
    if (const auto* ready = std::get_if<Reader::Ready>(&event)) {
        return "ready " + std::string{as_text(ready->bytes)};
    }
    if (const auto* announced = std::get_if<Reader::Announced>(&event)) {
        return "announced " + std::string{announced->header} + " with " +
               std::to_string(announced->payload_bytes);
    }
    if (const auto* whole = std::get_if<Reader::Message>(&event)) {
        return "message " + whole->header + " with " + std::string{as_text(whole->payload)};
    }
    if (const auto* broken = std::get_if<Reader::Broken>(&event)) return "broken: " + broken->why;
    return "";
}

using Lines = std::vector<std::string>;

/// All events of these bytes.
Lines events_of(Reader& reader, std::string_view bytes) {
    Lines lines;
    for (ByteSpan input = as_byte_span(bytes);;) {
        const std::string line = describe(reader.next(input));
        if (line.empty()) return lines;
        lines.push_back(line);
        if (line.starts_with("broken")) return lines;
    }
}
Lines events_of(Port port, std::string_view bytes) {
    Reader reader{port};
    return events_of(reader, bytes);
}
/// Those after the handshake of a DEALER.
Lines after_handshake(std::string_view bytes) {
    Reader reader{Port::Task};
    EXPECT_EQ(events_of(reader, from_dealer).size(), 3U);
    return events_of(reader, bytes);
}

TEST(ZmtpReaderTest, AHandshakeAndTwoMessages) {
    const std::string bytes = from_dealer + message("hello", "") + message("more", "payload");
    const Lines lines = events_of(Port::Task, bytes);
    ASSERT_EQ(lines.size(), 7U);
    EXPECT_EQ(lines[0], "reply " + zmtp_bytes::greeting());
    EXPECT_EQ(lines[1], "reply " + frame(4, "\x05READY" + property("Socket-Type", "ROUTER")));
    EXPECT_EQ(lines[2], "ready ");
    EXPECT_EQ(lines[3], "announced hello with 0");
    EXPECT_EQ(lines[4], "message hello with ");
    EXPECT_EQ(lines[5], "announced more with 7");
    EXPECT_EQ(lines[6], "message more with payload");
}

TEST(ZmtpReaderTest, APublisherIsSubscribedToOnceItIsReady) {
    const Lines lines =
        events_of(Port::Heartbeat, zmtp_bytes::greeting() + zmtp_bytes::ready("PUB"));
    EXPECT_EQ(lines.at(2), "ready " + frame(0, "\x01"));
}

// However the network cuts the bytes, the same comes out.
TEST(ZmtpReaderTest, BytesMayComeInAnyPieces) {
    const std::string bytes = from_dealer + frame(4, std::string("\x04PING\0\x01who", 10)) +
                              message("a header", std::string(300, 'p')) + frame(1, "h") +
                              frame(1, "third");
    const Lines whole = events_of(Port::Task, bytes);
    ASSERT_EQ(whole.size(), 7U);
    for (std::size_t piece = 1; piece < 90; ++piece) {
        Reader reader{Port::Task};
        Lines lines;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            for (auto& line : events_of(reader, std::string_view{bytes}.substr(at, piece))) {
                lines.push_back(std::move(line));
            }
            if (!lines.empty() && lines.back().starts_with("broken")) break;
        }
        EXPECT_EQ(lines, whole) << "in pieces of " << piece;
    }
}

// A page of another site can make a browser send this. It hears nothing, not even our greeting.
TEST(ZmtpReaderTest, AnHttpRequestIsRefusedAtItsFirstByte) {
    Reader reader{Port::Task};
    const std::string request = "POST / HTTP/1.1\r\n";
    ByteSpan input = as_byte_span(request);
    EXPECT_TRUE(std::holds_alternative<Reader::Broken>(reader.next(input)));
    EXPECT_EQ(input.size(), request.size());
    EXPECT_TRUE(std::holds_alternative<Reader::Broken>(reader.next(input))) << "for good";
}

TEST(ZmtpReaderTest, OtherGreetingsAreRefusedAtTheByteThatShowsIt) {
    const std::string old = std::string("\x01\x00", 2);  // ZMTP 1.0: an empty identity.
    std::string curve = zmtp_bytes::greeting("CURVE");
    const std::string version_2 = zmtp_bytes::greeting("NULL", 1);
    const std::string longer = zmtp_bytes::greeting("NULLS");
    const std::vector<std::pair<std::string, std::size_t>> cases{
        {old, 0}, {version_2, 10}, {curve, 12}, {longer, 16}};
    for (const auto& [bytes, at] : cases) {
        Reader reader{Port::Task};
        ByteSpan input = as_byte_span(bytes);
        while (!std::holds_alternative<Reader::Broken>(reader.next(input))) {
            ASSERT_FALSE(input.empty());
        }
        EXPECT_EQ(bytes.size() - input.size(), at);
    }
}

TEST(ZmtpReaderTest, EachPortTakesItsOwnKindOfPeer) {
    for (const auto& [port, type] :
         {std::pair{Port::Task, "DEALER"}, std::pair{Port::Result, "PUSH"},
          std::pair{Port::Heartbeat, "PUB"}, std::pair{Port::Heartbeat, "XPUB"}}) {
        const std::string bytes = zmtp_bytes::greeting() + zmtp_bytes::ready(type);
        for (const Port other : {Port::Task, Port::Result, Port::Heartbeat}) {
            Reader reader{other};
            std::ignore = events_of(reader, bytes);
            EXPECT_EQ(reader.is_ready(), other == port) << type << " at " << port_name(other);
        }
    }
}

TEST(ZmtpReaderTest, BadHandshakesAreRefused) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {message("hello", ""), "before the handshake"},
        {frame(4, ""), "not READY"},
        {frame(4, "\x05HELLO"), "not READY"},
        {frame(4, "\xffREADY"), "not READY"},
        {frame(4, "\x05READY"), "no Socket-Type"},
        {frame(4, "\x05READY" + property("Identity", "x")), "no Socket-Type"},
        {frame(4, "\x05READY" + property("Socket-Type", "DEALER").substr(0, 17)), "cut off"},
        {frame(4, "\x05READY" + property("Socket-Type", "DEALER") + "\x08Iden"), "cut off"},
        {frame(4, std::string("\x05READY\x04name\xff\xff\xff\xff", 15)), "cut off"},
        {zmtp_bytes::ready("REQ"), "no place at the task port"},
        {frame(4, "\x05READY" + std::string(2000, 'x')), "too long"},
        {frame(5, "\x05READY"), "more of it follows"},
        {frame(8, "x"), "flags"}};
    for (const auto& [bytes, why] : cases) {
        EXPECT_THAT(events_of(Port::Task, zmtp_bytes::greeting() + bytes).back(), HasSubstr(why));
    }
}

TEST(ZmtpReaderTest, AMessageHasTwoPartsExactly) {
    EXPECT_THAT(after_handshake(frame(0, "alone")).back(), HasSubstr("this one has one"));
    const Lines third = after_handshake(frame(1, "header") + frame(1, ""));
    EXPECT_THAT(third.back(), HasSubstr("this one has more"))
        << "the third part is refused before it comes";
    EXPECT_EQ(third.size(), 1U);
}

TEST(ZmtpReaderTest, AHeaderIsSmallUntilThePeerIsKnown) {
    const std::string small(Reader::hello_header_bytes_max, 'h');
    EXPECT_EQ(after_handshake(message(small, "")).size(), 2U);
    EXPECT_THAT(after_handshake(message(small + "h", "")).back(), HasSubstr("header: 16385 bytes"));
    const std::string large(protocol::header_bytes_max, 'h');
    Reader reader{Port::Task};
    std::ignore = events_of(reader, from_dealer);
    reader.allow_long_headers();
    EXPECT_EQ(events_of(reader, message(large, "")).size(), 2U);
    EXPECT_THAT(events_of(reader, message(large + "h", "")).back(), HasSubstr("header: 65537"));
}

// The size is refused when it is announced; no byte of the payload need come for that.
TEST(ZmtpReaderTest, AFrameHasItsLimit) {
    const auto announce = [](std::uint64_t size) {
        std::string head = frame(1, "h") + std::string("\x02", 1);
        for (int i = 7; i >= 0; --i) head += static_cast<char>(size >> (8 * i) & 0xff);
        return head;
    };
    EXPECT_EQ(after_handshake(announce(protocol::frame_bytes_max - 1)),
              Lines{"announced h with 16777215"});
    for (const std::uint64_t size : {std::uint64_t{protocol::frame_bytes_max}, ~std::uint64_t{0}}) {
        EXPECT_THAT(after_handshake(announce(size)).back(), HasSubstr("payload: "));
    }
}

// Announcing costs nothing: memory is taken for what arrives.
TEST(ZmtpReaderTest, MemoryGrowsWithWhatArrives) {
    Reader reader{Port::Task};
    std::ignore = events_of(
        reader, from_dealer + frame(1, "h") + std::string("\x02\0\0\0\0\x00\xf0\x00\x00", 9));
    EXPECT_LT(reader.kept_bytes(), 1000U);
    for (std::size_t sent = 1000; sent <= 1'000'000; sent += 1000) {
        EXPECT_TRUE(events_of(reader, std::string(1000, 'p')).empty());
        EXPECT_EQ(reader.payload_bytes_here(), sent);
        EXPECT_LE(reader.kept_bytes(), 2 * sent + 1000);
    }
    EXPECT_TRUE(reader.is_within_message());
}

TEST(ZmtpReaderTest, PingsAreAnsweredAndOtherCommandsRefused) {
    EXPECT_EQ(after_handshake(frame(4, std::string("\x04PING\0\x01who", 10))),
              Lines{"reply " + frame(4, "\x04PONGwho")});
    EXPECT_EQ(after_handshake(frame(4, "\x04PONGwho")), Lines{});
    for (const std::string& bad :
         {std::string("\x04PING"), "\x04PING" + std::string(19, 'x'), std::string("\x09SUBSCRIBE"),
          std::string("\x05"
                      "ERROR"),
          std::string("\x05READY"), std::string{}}) {
        EXPECT_THAT(after_handshake(frame(4, bad)).back(), HasSubstr("neither PING nor PONG"));
    }
}

}  // namespace
}  // namespace netcompute::net::zmtp
