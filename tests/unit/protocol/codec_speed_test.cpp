#include <netcompute/protocol/messages.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace netcompute::protocol {
namespace {

constexpr std::uint32_t outcome_count = 4096;
constexpr std::size_t output_bytes = 64;

/// The fastest of several runs: what the code costs, not what the machine was doing besides.
template <typename Work>
double fastest_microseconds(Work work) {
    double fastest = 1e9;
    for (int run = 0; run < 50; ++run) {
        const auto start = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double, std::micro> elapsed =
            std::chrono::steady_clock::now() - start;
        fastest = std::min(fastest, elapsed.count());
    }
    return fastest;
}

// A hundred thousand small tasks a second leave no time for a slow codec: a frame of 4,096
// outcomes takes far less than the 100 us that this test allows in an optimised build.
TEST(CodecSpeedTest, AFrameOfManySmallOutcomesIsCheap) {
    const Bytes output(output_bytes, std::byte{7});
    Results results{"session", LeaseId{1}, JobId{1}, 0, 0.5, {}};
    for (std::uint32_t i = 0; i < outcome_count; ++i) {
        results.outcomes.push_back({i, false, ErrorCode::Internal, output});
    }
    const WorkerMessage message{std::move(results)};
    const WireMessage wire = encode(message);
    const auto header = nlohmann::json::parse(wire.header);

    std::size_t encoded_bytes = 0;
    std::size_t decoded_outcomes = 0;
    const double encode_us =
        fastest_microseconds([&] { encoded_bytes = encode(message).payload.size(); });
    const double decode_us = fastest_microseconds([&] {
        const auto decoded = decode_worker_message(header, wire.payload);
        decoded_outcomes = decoded ? std::get<Results>(*decoded).outcomes.size() : 0;
    });
    EXPECT_EQ(encoded_bytes, outcome_count * (9 + output_bytes));
    EXPECT_EQ(decoded_outcomes, outcome_count);
    RecordProperty("encode_us", std::to_string(encode_us));
    RecordProperty("decode_us", std::to_string(decode_us));
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(encode_us, 100.0);
    EXPECT_LT(decode_us, 100.0);
#endif
}

}  // namespace
}  // namespace netcompute::protocol
