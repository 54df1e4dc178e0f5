#include "raw_zmq.hpp"

#include <cstdio>
#include <exception>

// What libzmq alone does on this machine, as JSON lines, with the same payload, window and number
// of processes as the benchmark of the whole system.
int main() {
    constexpr std::size_t payload_bytes = 64;
    constexpr std::size_t workers = 2;
    constexpr std::size_t window = 64;
    try {
        const double rate =
            netcompute::bench::raw_zmq_tasks_per_second(payload_bytes, workers, window, 3.0);
        std::printf(
            "{\"peer\":\"libzmq ROUTER/DEALER, %zu in flight to each of %zu processes\","
            "\"metric\":\"tasks_per_second\",\"value\":%.0f}\n",
            window, workers, rate);
        const double round_trip = netcompute::bench::raw_zmq_round_trip_us(payload_bytes, 5000);
        std::printf(
            "{\"peer\":\"libzmq ROUTER/DEALER, one in flight\","
            "\"metric\":\"round_trip_us_median\",\"value\":%.1f}\n",
            round_trip);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "zmq_raw: %s\n", problem.what());
        return 1;
    }
}
