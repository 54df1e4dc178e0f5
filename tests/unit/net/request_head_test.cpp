#include "net/http/request_head.hpp"

#include <gtest/gtest.h>

namespace netcompute::net {
namespace {

namespace http = boost::beast::http;

/// The status of the answer that refuses a head; 0 if it may go on.
unsigned refused(const std::string& lines) {
    const std::string text = lines + "\r\n";
    const auto found = find_head(text);
    if (const auto* refusal = std::get_if<HttpResponse>(&found)) {
        return static_cast<unsigned>(refusal->status);
    }
    EXPECT_EQ(std::get<std::size_t>(found), text.size()) << lines;
    const auto parsed = parse_head(text);
    const auto* const refusal = std::get_if<HttpResponse>(&parsed);
    return refusal == nullptr ? 0 : static_cast<unsigned>(refusal->status);
}

RequestHead parse(const std::string& lines) {
    return std::get<RequestHead>(parse_head(lines + "\r\n"));
}

std::string post(const std::string& fields) {
    return "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n" + fields;
}

// What two programs in a row could read as different requests is answered once, and never with a
// second request in what was the body of the first.
TEST(RequestHeadTest, ABodyWhoseLengthIsDoubtfulIsRefused) {
    EXPECT_EQ(refused(post("Content-Length: 5\r\n")), 0U);
    EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n")), 0U);
    EXPECT_EQ(refused(post("Transfer-Encoding: CHUNKED\r\n")), 0U);
    for (const char* coding : {"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked",
                               "identity", "xchunked", "\"chunked\"", "chunked;q=1", ""}) {
        const unsigned status = refused(post("Transfer-Encoding: " + std::string{coding} + "\r\n"));
        EXPECT_TRUE(status == 501 || status == 400) << coding << ": " << status;
    }
    for (const char* fields : {
             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
             "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
             "Content-Length: 5\r\nContent-Length: 5\r\n",
             "Content-Length: 5\r\nContent-Length: 6\r\n",
             "Content-Length: 5, 5\r\n",
             "Content-Length: +5\r\n",
             "Content-Length: -1\r\n",
             "Content-Length: 0x5\r\n",
             "Content-Length: \r\n",
             "Content-Length: 99999999999999999999\r\n",
         }) {
        EXPECT_EQ(refused(post(fields)), 400U) << fields;
    }
    EXPECT_EQ(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"), 400U);
}

TEST(RequestHeadTest, LinesThatOthersReadInAnotherWayAreRefused) {
    for (const char* fields : {
             "X: a\r\n folded\r\n",
             "X: a\r\n\tfolded\r\n",
             "X: a\nY: b\r\n",
             "X: a\rY: b\r\n",
             "X : a\r\n",
             " X: a\r\n",
             "X\r\n",
             ": a\r\n",
             "Host: other\r\n",
             "Origin: http://a\r\nOrigin: http://b\r\n",
         }) {
        EXPECT_EQ(refused(post(fields)), 400U) << fields;
    }
    using namespace std::string_literals;
    EXPECT_EQ(refused(post("X: a\0b\r\n"s)), 400U);
    EXPECT_EQ(refused("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n"), 400U);
    EXPECT_EQ(refused("CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n"), 400U);
    EXPECT_EQ(refused("GET / HTTP/2.0\r\nHost: localhost\r\n"), 400U);
}

// Another protocol is told at its first byte, and a header without end at its 16 KiB.
TEST(RequestHeadTest, WhatNeverBecomesAHeadIsNotWaitedFor) {
    EXPECT_EQ(std::get<HttpResponse>(find_head("\x16")).status, http::status::bad_request);
    EXPECT_EQ(std::get<HttpResponse>(find_head("\xff")).status, http::status::bad_request);
    EXPECT_EQ(std::get<std::size_t>(find_head("")), 0U);
    EXPECT_EQ(std::get<std::size_t>(find_head("GET / HT")), 0U);
    const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(head_bytes_max, 'y');
    EXPECT_EQ(std::get<HttpResponse>(find_head(endless)).status,
              http::status::request_header_fields_too_large);
}

TEST(RequestHeadTest, TheHeadSaysHowItsBodyIsFramed) {
    EXPECT_FALSE(parse(post("")).has_body());
    EXPECT_FALSE(parse(post("Content-Length: 0\r\n")).has_body());
    EXPECT_EQ(parse(post("Content-Length: 17\r\n")).content_length, 17U);
    EXPECT_TRUE(parse(post("Transfer-Encoding: chunked\r\n")).is_chunked);
}

bool passes(const std::string& lines, const OwnNames& names = {}) {
    return !refuse_stranger(parse(lines).request, names);
}

// A browser says whose page asks. A link may be followed from anywhere; nothing else may.
TEST(RequestHeadTest, PagesOfOtherSitesReachNothing) {
    const std::string get = "GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n";
    EXPECT_TRUE(passes(get));
    for (const char* own : {"same-origin", "none"}) {
        EXPECT_TRUE(passes(get + "Sec-Fetch-Site: " + own + "\r\n")) << own;
        EXPECT_TRUE(passes(post("Sec-Fetch-Site: " + std::string{own} + "\r\n"))) << own;
    }
    for (const char* other : {"cross-site", "same-site", "same-origin-not", ""}) {
        const std::string site = "Sec-Fetch-Site: " + std::string{other} + "\r\n";
        EXPECT_FALSE(passes(get + site)) << other;
        EXPECT_FALSE(passes(post(site))) << other;
        const std::string link = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
        EXPECT_TRUE(passes(get + site + link)) << other;
        EXPECT_FALSE(passes(post(site + link))) << other;
        EXPECT_FALSE(passes(get + site + "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"));
        EXPECT_FALSE(passes(get + site + link +
                            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                            "Sec-WebSocket-Version: 13\r\n"));
    }
}

// Behind a proxy the page's origin is the public URL's, whatever Host the proxy asks with.
TEST(RequestHeadTest, ThePublicUrlIsOurs) {
    const OwnNames names{{"office.example"}, "https://office.example", "/netcompute/"};
    const std::string origin = "Origin: https://office.example\r\n";
    EXPECT_TRUE(passes(post(origin), names));
    EXPECT_FALSE(passes(post(origin)));
    EXPECT_FALSE(passes(post("Origin: https://office.example.evil.example\r\n"), names));
    EXPECT_FALSE(passes(post("Origin: http://office.example\r\n"), names));
    EXPECT_TRUE(passes("GET / HTTP/1.1\r\nHost: office.example\r\n", names));
    EXPECT_FALSE(passes("GET / HTTP/1.1\r\nHost: office.example\r\n"));
}

}  // namespace
}  // namespace netcompute::net
