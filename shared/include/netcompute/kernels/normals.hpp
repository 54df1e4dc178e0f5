#pragma once

#include <netcompute/math.hpp>
#include <netcompute/random.hpp>

#include <cmath>

namespace netcompute::kernels {

/// Standard normal numbers of a stream, one at a time, the same bits on every build. Kernels that
/// need many at once have normals-inl.hpp. Source: Marsaglia and Bray, "A convenient method for
/// generating normal variables", SIAM Review 6 (1964).
class Normals {
 public:
    explicit Normals(Philox random) : random_{random} {}

    [[nodiscard]] double next() {
        if (has_second_) {
            has_second_ = false;
            return second_;
        }
        for (;;) {
            const double x = 2 * random_.next_unit() - 1;
            const double y = 2 * random_.next_unit() - 1;
            const double square = x * x + y * y;
            if (square >= 1 || square == 0) continue;
            const double scale = std::sqrt(-2 * math::log(square) / square);
            second_ = y * scale;
            has_second_ = true;
            return x * scale;
        }
    }
    /// For other numbers of the same stream.
    [[nodiscard]] Philox& random() { return random_; }

 private:
    Philox random_;
    double second_ = 0;
    bool has_second_ = false;
};

}  // namespace netcompute::kernels
