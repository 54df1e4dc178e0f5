#include "fixtures.hpp"
#include <netcompute/protocol/messages.hpp>

#include <gtest/gtest.h>

#include <map>

namespace netcompute::protocol {
namespace {

ByteSpan text_bytes(std::string_view text) {
    return as_byte_span(text);
}

bool same_bytes(ByteSpan a, ByteSpan b) {
    return as_text(a) == as_text(b);
}

bool same_input(const WireInput& a, const WireInput& b) {
    const auto* inline_a = std::get_if<InlineInput>(&a);
    const auto* inline_b = std::get_if<InlineInput>(&b);
    if (inline_a != nullptr && inline_b != nullptr) {
        return same_bytes(inline_a->bytes, inline_b->bytes);
    }
    const auto* blob_a = std::get_if<BlobInput>(&a);
    const auto* blob_b = std::get_if<BlobInput>(&b);
    return blob_a != nullptr && blob_b != nullptr && blob_a->sha256 == blob_b->sha256 &&
           blob_a->size == blob_b->size;
}

bool same(const Results& a, const Results& b) {
    const auto same_outcome = [](const TaskOutcome& x, const TaskOutcome& y) {
        return x.index == y.index && x.failed == y.failed && x.code == y.code &&
               same_bytes(x.bytes, y.bytes);
    };
    return a.session == b.session && a.lease == b.lease && a.job == b.job && a.round == b.round &&
           a.busy_seconds == b.busy_seconds &&
           std::equal(a.outcomes.begin(), a.outcomes.end(), b.outcomes.begin(), b.outcomes.end(),
                      same_outcome);
}

bool same(const Lease& a, const Lease& b) {
    const auto same_inputs = [](const std::vector<WireInput>& x, const std::vector<WireInput>& y) {
        return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_input);
    };
    const auto same_task = [&](const LeasedTask& x, const LeasedTask& y) {
        return x.index == y.index && same_inputs(x.inputs, y.inputs);
    };
    return a.lease == b.lease && a.job == b.job && a.round == b.round && a.kernel == b.kernel &&
           a.kernel_version == b.kernel_version && a.seconds == b.seconds &&
           same_inputs(a.shared_inputs, b.shared_inputs) &&
           std::equal(a.tasks.begin(), a.tasks.end(), b.tasks.begin(), b.tasks.end(), same_task);
}

template <typename Message>
bool same(const Message& a, const Message& b) {
    return a == b;
}

template <typename Variant>
bool same_message(const Variant& a, const Variant& b) {
    if (a.index() != b.index()) return false;
    return std::visit(
        [&](const auto& one) { return same(one, std::get<std::decay_t<decltype(one)>>(b)); }, a);
}

constexpr std::string_view three_bytes{"\x01\x02\x03", 3};
constexpr std::string_view odd_bytes{"\x00\xff\x80", 3};

/// What the worker cases of valid.json mean.
std::map<std::string, WorkerMessage> worker_messages() {
    return {
        {"hello", Hello{1, "pc-42_Aa0", "", WorkerKind::Native, "Büro 7 \"east\"", "0.1.0", 8, ""}},
        {"hello_browser", Hello{1, std::string(64, 'A'), "open sesame", WorkerKind::Browser, "",
                                "0.1.0", 1024, "5f0c"}},
        {"hello_secret", Hello{1, "pc-42_Aa0", "", WorkerKind::Browser, "", "0.1.0", 2, "",
                               "00112233445566778899aabbccddeeff"}},
        {"hello_machine", Hello{1, "pc-42_Aa0", "", WorkerKind::Native, "", "0.1.0", 2, "",
                                "00112233445566778899aabbccddeeff", "0123456789abcdef_-"}},
        {"results", Results{"5f0c",
                            LeaseId{7},
                            JobId{3},
                            2,
                            0.25,
                            {{5, false, ErrorCode::Internal, text_bytes(three_bytes)},
                             {0, false, ErrorCode::Internal, {}},
                             {6, true, ErrorCode::ShapeMismatch, text_bytes("labels: 7 ≠ 8")}}}},
        {"results_empty",
         Results{"5f0c", LeaseId{9007199254740991}, JobId{9007199254740991}, 4294967295, 0, {}}},
        {"heartbeat",
         Heartbeat{
             "5f0c", {LeaseId{7}, LeaseId{8}}, 4, false, 0.5, 12345678, "logistic_newton 3/7/12"}},
        {"heartbeat_idle", Heartbeat{"5f0c", {}, 1, true, -1, 0, ""}},
        {"leave", Leave{"5f0c"}},
    };
}

/// What the master cases of valid.json mean.
std::map<std::string, MasterMessage> master_messages() {
    const Sha256 abc = sha256(text_bytes("abc"));
    return {
        {"welcome", Welcome{"5f0c", "pc-42_Aa0", 2, 10, "0.1.0"}},
        {"goodbye", Goodbye{"refused_token",
                            "config.json: security.join_token: set the same one here", false}},
        {"lease",
         Lease{LeaseId{7},
               JobId{3},
               2,
               "logistic_newton",
               1,
               10.5,
               {InlineInput{text_bytes("weights")}, BlobInput{abc, 3}},
               {{0, {InlineInput{}}},
                {4294967295,
                 {BlobInput{abc, std::uint64_t{1} << 40}, InlineInput{text_bytes(odd_bytes)}}}}}},
        {"lease_noop", Lease{LeaseId{1}, JobId{1}, 0, "noop", 1, 10, {}, {{0, {}}}}},
        {"revoke", Revoke{LeaseId{7}, "done_elsewhere"}},
        {"ack", Ack{}},
    };
}

/// The struct encodes to the fixture's bytes, and those decode to the struct.
template <typename Message, typename Decode>
void expect_round_trip(const nlohmann::json& fixture, const Message& message, Decode decode) {
    const WireMessage wire = encode(message);
    EXPECT_EQ(to_hex(wire.payload), fixture.at("payload_hex"));
    EXPECT_EQ(to_hex(joined(wire.header, wire.payload)), fixture.at("frame_hex"));
    EXPECT_EQ(encode_frame(fixture.at("header"), wire.payload),
              from_hex(fixture.at("frame_hex").get<std::string>()));

    const auto frame = decode_frame(from_hex(fixture.at("frame_hex").get<std::string>()));
    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame->header, fixture.at("header"));
    const Result<Message> decoded = decode(frame->header, frame->payload);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_TRUE(same_message(*decoded, message));
}

// The wire is frozen: each struct gives the bytes of the fixture that the pages' tests read too,
// and those bytes give the struct back.
TEST(MessagesTest, EveryMessageIsTheBytesOfItsFixtureBothWays) {
    const auto from_worker = worker_messages();
    const auto from_master = master_messages();
    std::size_t seen = 0;
    for (const auto& fixture : fixture_cases("valid.json")) {
        const auto name = fixture.at("name").get<std::string>();
        SCOPED_TRACE(name);
        if (fixture.at("direction") == "worker") {
            ASSERT_TRUE(from_worker.contains(name));
            expect_round_trip(fixture, from_worker.at(name), decode_worker_message);
        } else {
            ASSERT_TRUE(from_master.contains(name));
            expect_round_trip(fixture, from_master.at(name), decode_master_message);
        }
        ++seen;
    }
    EXPECT_EQ(seen, from_worker.size() + from_master.size());
}

// A newer worker may say hello in fields this version has never heard of. Its version number must
// still be read, so that it can be told why it is refused.
TEST(MessagesTest, HelloOfAnotherVersionIsReadForItsVersionAlone) {
    const auto decoded =
        decode_worker_message({{"type", "hello"}, {"protocol", 2}, {"slots", "many"}}, {});
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(std::get<Hello>(*decoded).protocol, 2);
}

// A later version may add fields: those this version does not know are passed over.
TEST(MessagesTest, UnknownFieldsArePassedOver) {
    const auto decoded =
        decode_worker_message({{"type", "leave"}, {"session", "5f0c"}, {"mood", "good"}}, {});
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(std::get<Leave>(*decoded), (Leave{"5f0c"}));
}

// Every error code has a status of its own on the wire and comes back as itself.
TEST(MessagesTest, EveryErrorCodeSurvivesTheWire) {
    for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code) {
        Results results{"s", LeaseId{1}, JobId{1}, 0, 0, {}};
        results.outcomes.push_back({0, true, static_cast<ErrorCode>(code), {}});
        const WireMessage wire = encode(WorkerMessage{results});
        EXPECT_EQ(std::to_integer<int>(wire.payload.at(4)), code + 1);
        const auto decoded =
            decode_worker_message(nlohmann::json::parse(wire.header), wire.payload);
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_EQ(std::get<Results>(*decoded).outcomes.at(0).code, static_cast<ErrorCode>(code));
    }
}

// Outcomes are views: decoding a large frame copies none of its outputs.
TEST(MessagesTest, OutcomesPointIntoThePayload) {
    Results results{"s", LeaseId{1}, JobId{1}, 0, 0, {}};
    results.outcomes.push_back({0, false, ErrorCode::Internal, text_bytes("output")});
    const WireMessage wire = encode(WorkerMessage{results});
    const auto decoded = decode_worker_message(nlohmann::json::parse(wire.header), wire.payload);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(std::get<Results>(*decoded).outcomes.at(0).bytes.data(), wire.payload.data() + 9);
}

// A frame that does not decode still has a sender, whose session is the one to close.
TEST(MessagesTest, SessionIsFoundInAnyHeaderThatNamesOne) {
    EXPECT_EQ(session_of({{"type", "results"}, {"session", "5f0c"}, {"count", -1}}), "5f0c");
    EXPECT_EQ(session_of({{"type", "hello"}}), "");
    EXPECT_EQ(session_of({{"session", 5}}), "");
    EXPECT_EQ(session_of({{"session", std::string(65, 's')}}), "");
    EXPECT_EQ(session_of(nlohmann::json::array({"session"})), "");
}

}  // namespace
}  // namespace netcompute::protocol
