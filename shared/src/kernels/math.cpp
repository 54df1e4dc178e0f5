#include "math-inl.hpp"
#include <netcompute/math.hpp>

#include <cstring>

namespace netcompute::math {
namespace {

namespace portable = kernels::HWY_NAMESPACE;

/// std::bit_cast, which the libc++ of the WebAssembly build does not have.
template <class To, class From>
To with_bits_of(From from) {
    static_assert(sizeof(To) == sizeof from);
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

struct Word {
    std::uint64_t raw;

    static Word set(std::uint64_t value) { return {value}; }
    friend Word operator+(Word a, Word b) { return {a.raw + b.raw}; }
    friend Word operator-(Word a, Word b) { return {a.raw - b.raw}; }
    friend Word operator&(Word a, Word b) { return {a.raw & b.raw}; }
    friend Word operator|(Word a, Word b) { return {a.raw | b.raw}; }
    template <int bits>
    Word left() const {
        return {raw << bits};
    }
    template <int bits>
    Word right() const {
        return {raw >> bits};
    }
};

/// One lane, with the operations of F64 in lanes-inl.hpp.
struct Lane {
    using Bits = Word;
    double raw;

    static Lane set(double value) { return {value}; }
    static Lane from_bits(Word bits) { return {with_bits_of<double>(bits.raw)}; }
    Word bits() const { return {with_bits_of<std::uint64_t>(raw)}; }
    friend Lane operator+(Lane a, Lane b) { return {a.raw + b.raw}; }
    friend Lane operator-(Lane a, Lane b) { return {a.raw - b.raw}; }
    friend Lane operator*(Lane a, Lane b) { return {a.raw * b.raw}; }
    friend Lane operator/(Lane a, Lane b) { return {a.raw / b.raw}; }
    friend bool operator==(Lane a, Lane b) { return a.raw == b.raw; }
    friend bool operator<(Lane a, Lane b) { return a.raw < b.raw; }
    static Lane select(bool mask, Lane yes, Lane no) { return mask ? yes : no; }
};

}  // namespace

double exp(double x) {
    return portable::exp(Lane{x}).raw;
}
double log(double x) {
    return portable::log(Lane{x}).raw;
}
double log1p(double x) {
    return portable::log1p(Lane{x}).raw;
}
double sigmoid(double x) {
    return portable::sigmoid(Lane{x}).raw;
}
double softplus(double x) {
    return portable::softplus(Lane{x}).raw;
}

}  // namespace netcompute::math
