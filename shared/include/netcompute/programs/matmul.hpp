#pragma once

#include <netcompute/kernels/matmul.hpp>
#include <netcompute/programs/rounds.hpp>

#include <vector>

namespace netcompute::programs {

/// How a product is cut into tasks: from its shape alone.
struct MatmulShape {
    std::uint64_t rows = 0;
    std::uint64_t inner = 0;
    std::uint64_t columns = 0;
    std::uint32_t value_bytes = 4;  ///< 4: f32, 8: f64.

    [[nodiscard]] std::uint32_t edge() const;   ///< Rows and columns of a block of the product.
    [[nodiscard]] std::uint32_t depth() const;  ///< Of the inner dimension in one task.
    [[nodiscard]] std::uint64_t row_blocks() const { return (rows + edge() - 1) / edge(); }
    [[nodiscard]] std::uint64_t column_blocks() const { return (columns + edge() - 1) / edge(); }
    [[nodiscard]] std::uint64_t depth_blocks() const { return (inner + depth() - 1) / depth(); }
};

struct MatmulJob {
    MatmulShape shape;
    /// Blocks of the factors, row-major: [row_blocks][depth_blocks] of A, [depth_blocks]
    /// [column_blocks] of B. None: the factor is random_matrix_value().
    std::vector<BlobRef> a;
    std::vector<BlobRef> b;
    std::uint64_t seed = 0;
};

/// C = A B. A round is one part of the inner dimension, a task a block of C: it adds its part to
/// what the round before has made of the block, which lies in blobs meanwhile. Only the last fold
/// holds C as a whole; it is in no state.
/// result_bytes() is the shape, the SHA-256 of the product and its figures.
class MatmulProgram final : public ManyRounds {
 public:
    explicit MatmulProgram(MatmulJob job);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] std::vector<BlobRef> blobs() const override { return sums_; }
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    /// Once finished, unless it was restored so: f32 or f64 [rows][columns].
    [[nodiscard]] const Bytes& product() const { return product_; }
    /// Of its finite values, row after row: their sum, and the root of the sum of their squares.
    [[nodiscard]] double sum() const { return figures_.sum; }
    [[nodiscard]] double norm() const { return figures_.norm; }
    /// Values that are not: they overflowed.
    [[nodiscard]] std::uint64_t not_finite() const { return figures_.not_finite; }

 private:
    struct Figures {
        Sha256 sha256{};
        double sum = 0;
        double norm = 0;
        std::uint64_t not_finite = 0;
    };
    /// A block of the product by its task.
    struct Place {
        std::uint64_t row_block = 0;
        std::uint64_t column_block = 0;
        kernels::MatmulTask task;
    };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork& work) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Place place(std::uint64_t block) const;
    [[nodiscard]] std::uint64_t block_count() const;
    [[nodiscard]] bool is_finished() const { return part_ == job_.shape.depth_blocks(); }
    void take_product(std::span<const ByteSpan> outputs);
    template <typename T>
    void measure_product();

    MatmulJob job_;
    std::uint64_t part_ = 0;     ///< Of the inner dimension, that is due.
    std::vector<BlobRef> sums_;  ///< Of each block, the parts so far; none in the first round.
    Bytes product_;
    Figures figures_;
};

}  // namespace netcompute::programs
