#pragma once

#include <cstddef>
#include <cstring>
#include <new>

namespace netcompute::kernels {

/// Zeroed f64 values that start at a cache line, so that no vector straddles two.
class Scratch {
 public:
    explicit Scratch(std::size_t size)
        : values_{static_cast<double*>(::operator new(size * sizeof(double), alignment))} {
        std::memset(values_, 0, size * sizeof(double));
    }
    ~Scratch() { ::operator delete(values_, alignment); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] double* data() { return values_; }

 private:
    static constexpr std::align_val_t alignment{64};
    double* values_;
};

}  // namespace netcompute::kernels
