#pragma once

#include <netcompute/instant.hpp>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace netcompute::sim {

/// What happened in a run: hashed always, printed on demand.
class Trace {
 public:
    struct Number {
        std::string_view name;
        std::uint64_t value = 0;
    };

    using Counts = std::map<std::string_view, std::uint64_t>;  ///< By literals, which last.

    explicit Trace(bool print) : print_{print} {}

    /// One line: "  12.345678901  worker 3   leave        lease=4 tasks=2".
    void add(Instant when, std::string_view who, std::uint64_t number, std::string_view what,
             std::initializer_list<Number> numbers = {}) {
        mix(static_cast<std::uint64_t>(when.time_since_epoch().count()));
        mix(who);
        mix(number);
        mix(what);
        for (const Number& one : numbers) {
            mix(one.name);
            mix(one.value);
        }
        ++counts_[what];
        if (print_) print(when, who, number, what, numbers);
    }
    /// A remark for people; no part of the hash.
    void remark(std::string_view text) const {
        if (print_)
            std::printf("               | %.*s\n", static_cast<int>(text.size()), text.data());
    }

    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    /// How often each thing happened.
    [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
    static void print(Instant when, std::string_view who, std::uint64_t number,
                      std::string_view what, std::initializer_list<Number> numbers) {
        std::printf("%14.6f  %-10.*s %3" PRIu64 "  %-18.*s", to_seconds(when.time_since_epoch()),
                    static_cast<int>(who.size()), who.data(), number, static_cast<int>(what.size()),
                    what.data());
        for (const Number& one : numbers) {
            std::printf(" %.*s=%" PRIu64, static_cast<int>(one.name.size()), one.name.data(),
                        one.value);
        }
        std::printf("\n");
    }
    // FNV-1a, eight bytes at a time: it tells runs apart, and strangers cannot choose its input.
    void mix(std::uint64_t value) {
        hash_ = (hash_ ^ value) * 0x100000001b3U;
        hash_ ^= hash_ >> 29;
    }
    void mix(std::string_view text) {
        for (const char c : text) mix(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
    }

    bool print_;
    std::uint64_t hash_ = 0xcbf29ce484222325U;
    Counts counts_;
};

}  // namespace netcompute::sim
