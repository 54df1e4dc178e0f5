#include "state_blob.hpp"
#include <netcompute/programs/matmul.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

/// A product of at most so many values is cut finer, so that several workers share it.
constexpr std::uint64_t small_product_values = std::uint64_t{1} << 24;

std::uint32_t part_of(std::uint64_t size, std::uint32_t step, std::uint64_t index) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(step, size - step * index));
}

}  // namespace

std::uint32_t MatmulShape::edge() const {
    return rows * columns <= small_product_values ? 512 : kernels::matmul_edge_max;
}

std::uint32_t MatmulShape::depth() const {
    // 16 MiB a block of the largest edge.
    return (std::uint32_t{1} << 24) / kernels::matmul_edge_max / value_bytes;
}

MatmulProgram::MatmulProgram(MatmulJob job) : ManyRounds{"matmul", "PMM1"}, job_{std::move(job)} {}

std::uint64_t MatmulProgram::block_count() const {
    return job_.shape.row_blocks() * job_.shape.column_blocks();
}

MatmulProgram::Place MatmulProgram::place(std::uint64_t block) const {
    const MatmulShape& shape = job_.shape;
    Place place;
    place.row_block = block / shape.column_blocks();
    place.column_block = block % shape.column_blocks();
    place.task.value_bytes = shape.value_bytes;
    place.task.seed = job_.seed;
    place.task.rows = part_of(shape.rows, shape.edge(), place.row_block);
    place.task.columns = part_of(shape.columns, shape.edge(), place.column_block);
    place.task.first_row = static_cast<std::uint32_t>(place.row_block * shape.edge());
    place.task.first_column = static_cast<std::uint32_t>(place.column_block * shape.edge());
    return place;
}

std::optional<Round> MatmulProgram::round() const {
    if (is_finished()) return std::nullopt;
    return Round{"matmul", 1, {}, static_cast<std::uint32_t>(block_count())};
}

std::vector<TaskInput> MatmulProgram::task_inputs(TaskIndex index) const {
    const MatmulShape& shape = job_.shape;
    Place at = place(index);
    at.task.inner = part_of(shape.inner, shape.depth(), part_);
    at.task.first_inner = static_cast<std::uint32_t>(part_ * shape.depth());
    std::vector<TaskInput> inputs{kernels::encode_matmul(at.task), Bytes{}, Bytes{}, Bytes{}};
    const auto a = static_cast<std::size_t>(at.row_block * shape.depth_blocks() + part_);
    const auto b = static_cast<std::size_t>(part_ * shape.column_blocks() + at.column_block);
    if (!job_.a.empty()) inputs[1] = job_.a[a];
    if (!job_.b.empty()) inputs[2] = job_.b[b];
    if (!sums_.empty()) inputs[3] = sums_[index];
    return inputs;
}

Progress MatmulProgram::progress() const {
    return {static_cast<double>(part_) / static_cast<double>(job_.shape.depth_blocks()), {}};
}

Result<void> MatmulProgram::fold(std::span<const ByteSpan> outputs, RoundWork& work) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const kernels::MatmulTask task = place(i).task;
        const std::uint64_t size = std::uint64_t{task.rows} * task.columns * task.value_bytes;
        if (outputs[i].size() == size) continue;
        return unexpected(ErrorCode::ShapeMismatch, "matmul: task " + std::to_string(i) +
                                                        " came back with " +
                                                        std::to_string(outputs[i].size()) +
                                                        " bytes, not " + std::to_string(size));
    }
    sums_.clear();
    ++part_;
    if (is_finished()) {
        take_product(outputs);
        return {};
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        sums_.push_back(work.publish_output(static_cast<TaskIndex>(i)));
    }
    return {};
}

void MatmulProgram::take_product(std::span<const ByteSpan> outputs) {
    const MatmulShape& shape = job_.shape;
    const auto row_values = static_cast<std::size_t>(shape.columns);
    product_.resize(static_cast<std::size_t>(shape.rows) * row_values * shape.value_bytes);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const kernels::MatmulTask task = place(i).task;
        const std::size_t row_bytes = std::size_t{task.columns} * task.value_bytes;
        for (std::size_t row = 0; row < task.rows; ++row) {
            const std::size_t to = (task.first_row + row) * row_values + task.first_column;
            std::memcpy(product_.data() + to * shape.value_bytes,
                        outputs[i].data() + row * row_bytes, row_bytes);
        }
    }
    figures_.sha256 = sha256(product_);
    shape.value_bytes == 4 ? measure_product<float>() : measure_product<double>();
}

template <typename T>
void MatmulProgram::measure_product() {
    double squares = 0;
    ByteReader reader{product_};
    while (reader.left() > 0) {
        const auto value = static_cast<double>(reader.number<T>());
        if (!std::isfinite(value)) {
            ++figures_.not_finite;
            continue;
        }
        figures_.sum += value;
        squares += value * value;
    }
    figures_.norm = std::sqrt(squares);
}

Bytes MatmulProgram::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(job_.shape.value_bytes);
    for (const std::uint64_t value : {job_.shape.rows, job_.shape.inner, job_.shape.columns}) {
        writer.number(value);
    }
    writer.bytes(std::as_bytes(std::span{figures_.sha256.digest}));
    writer.number(figures_.sum);
    writer.number(figures_.norm);
    writer.number(figures_.not_finite);
    return bytes;
}

void MatmulProgram::write_state(ByteWriter& state) const {
    state.bytes(result_bytes());
    state.number(part_);
    state.number(static_cast<std::uint64_t>(sums_.size()));
    for (const BlobRef& sum : sums_) write_blob(state, sum);
}

bool MatmulProgram::read_state(ByteReader& state) {
    const MatmulShape& shape = job_.shape;
    if (state.number<std::uint32_t>() != shape.value_bytes) return false;
    for (const std::uint64_t value : {shape.rows, shape.inner, shape.columns}) {
        if (state.number<std::uint64_t>() != value) return false;
    }
    const ByteSpan digest = state.bytes(figures_.sha256.digest.size());
    if (!state.ok()) return false;
    std::memcpy(figures_.sha256.digest.data(), digest.data(), digest.size());
    figures_.sum = state.number<double>();
    figures_.norm = state.number<double>();
    figures_.not_finite = state.number<std::uint64_t>();
    part_ = state.number<std::uint64_t>();
    const auto count = state.number<std::uint64_t>();
    const bool has_sums = part_ > 0 && part_ < shape.depth_blocks();
    if (part_ > shape.depth_blocks() || count != (has_sums ? block_count() : 0)) return false;
    sums_.clear();
    for (std::uint64_t i = 0; i < count && state.ok(); ++i) sums_.push_back(read_blob(state));
    product_.clear();
    return state.ok();
}

}  // namespace netcompute::programs
