#include "data/matrix_file.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include <netcompute/programs/matmul.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace netcompute::jobs {
namespace {

constexpr std::uint64_t size_max = std::uint64_t{1} << 31;
constexpr std::uint64_t random_size = 256;
/// The master holds the product, and its blobs the factors.
constexpr std::uint64_t product_bytes_max = std::uint64_t{1} << 30;
constexpr std::uint64_t factor_bytes_max = std::uint64_t{1} << 34;
constexpr std::uint64_t csv_values_max = std::uint64_t{1} << 24;

constexpr InputFile a_file{.name = "a",
                           .what =
                               "The left matrix: an .npy file of f4 or f8 values, or a CSV file of "
                               "numbers",
                           .example = "Data/a.npy",
                           .if_left_out = "a random one, by `seed`, uniform in (-1, 1)"};
constexpr InputFile b_file{.name = "b",
                           .what = "The right matrix, likewise",
                           .example = "Data/b.npy",
                           .if_left_out = "a random one, likewise"};
constexpr WholeNumber rows{.name = "rows",
                           .what = "The rows of the product, where `a` is random",
                           .min = 1,
                           .max = size_max,
                           .example = random_size,
                           .if_left_out = "those of `a`, or 256"};
constexpr WholeNumber inner{.name = "inner",
                            .what = "The columns of `a` and rows of `b`, where both are random",
                            .min = 1,
                            .max = size_max,
                            .example = random_size,
                            .if_left_out = "those of the files, or 256"};
constexpr WholeNumber columns{.name = "columns",
                              .what = "The columns of the product, where `b` is random",
                              .min = 1,
                              .max = size_max,
                              .example = random_size,
                              .if_left_out = "those of `b`, or 256"};
constexpr WholeNumber seed{
    .name = "seed",
    .what = "By which random matrices are made: the same seed gives the same",
    .otherwise = 0};
constexpr std::string_view precision_words[] = {"f64", "f32"};
constexpr Choice precision{.name = "precision",
                           .what = "Of the numbers and of all sums",
                           .choices = precision_words,
                           .otherwise = "f64"};
constexpr OutputFile output{.name = "output",
                            .what =
                                "Where the product goes: as CSV if its name ends in .csv, and "
                                "else as .npy",
                            .otherwise = "Data/product.npy"};

using MaybeMatrix = std::optional<data::MatrixFile>;

Unexpected refused(ErrorCode code, const std::string& what) {
    return unexpected(code, "params." + what);
}

Result<MaybeMatrix> open_matrix(const ParamValues& values, const InputFile& param) {
    if (!values.has(param)) return MaybeMatrix{};
    auto opened = data::MatrixFile::open(values[param]);
    if (!opened) {
        return refused(opened.error().code,
                       std::string{param.name} + ": " + opened.error().message);
    }
    return MaybeMatrix{std::move(*opened)};
}

/// A size that a file tells, or a parameter; `found` is 0 where no file tells it.
Result<std::uint64_t> size_of(const ParamValues& values, const WholeNumber& param,
                              std::uint64_t found) {
    const std::uint64_t given = values.has(param) ? values[param] : 0;
    if (found != 0 && given != 0 && given != found) {
        return refused(ErrorCode::InvalidArgument, std::string{param.name} + ": " +
                                                       std::to_string(given) +
                                                       " is not what the file has, " +
                                                       std::to_string(found) + "; leave it out");
    }
    if (found > size_max) {
        return refused(ErrorCode::LimitExceeded, std::string{param.name} + ": " +
                                                     std::to_string(found) + " are more than " +
                                                     std::to_string(size_max));
    }
    return found != 0 ? found : given != 0 ? given : random_size;
}

std::string shape_text(const data::MatrixFile& matrix) {
    return std::to_string(matrix.rows()) + " x " + std::to_string(matrix.columns());
}

bool is_csv(const data::DataPath& path) {
    return path.shown().ends_with(".csv");
}

/// Divided, not multiplied: the sizes are a stranger's.
bool is_larger(std::uint64_t height, std::uint64_t width, std::uint64_t most) {
    return height > most / width;
}

Result<void> check_size(const programs::MatmulShape& shape, const data::DataPath& path) {
    const std::uint64_t most = product_bytes_max / shape.value_bytes;
    const std::string text =
        "rows: a product of " + std::to_string(shape.rows) + " x " + std::to_string(shape.columns);
    if (is_larger(shape.rows, shape.columns, most)) {
        return refused(ErrorCode::LimitExceeded, text + " values has more than " +
                                                     std::to_string(most) +
                                                     "; multiply fewer rows of `a` at a time");
    }
    if (is_csv(path) && is_larger(shape.rows, shape.columns, csv_values_max)) {
        return refused(ErrorCode::LimitExceeded,
                       text + " values has more than " + std::to_string(csv_values_max) +
                           ", too many for CSV; name an .npy file as params.output");
    }
    const std::uint64_t factor = factor_bytes_max / shape.value_bytes;
    if (is_larger(std::max(shape.rows, shape.columns), shape.inner, factor)) {
        return refused(ErrorCode::LimitExceeded,
                       "inner: a matrix of " + std::to_string(std::max(shape.rows, shape.columns)) +
                           " x " + std::to_string(shape.inner) + " values has more than " +
                           std::to_string(factor) + "; multiply parts of it");
    }
    return {};
}

Result<programs::MatmulShape> shape_of(const ParamValues& values, const MaybeMatrix& a,
                                       const MaybeMatrix& b) {
    if (a && b && a->columns() != b->rows()) {
        return refused(ErrorCode::ShapeMismatch,
                       "b: " + values[b_file].name() + " is " + shape_text(*b) + " and " +
                           values[a_file].name() + " is " + shape_text(*a) +
                           ": b must have as many rows as a has columns");
    }
    programs::MatmulShape shape;
    shape.value_bytes = values[precision] == "f32" ? 4 : 8;
    const std::uint64_t inside = a ? a->columns() : b ? b->rows() : 0;
    for (const auto& [to, param, found] :
         {std::tuple{&shape.rows, &rows, a ? a->rows() : 0},
          std::tuple{&shape.inner, &inner, inside},
          std::tuple{&shape.columns, &columns, b ? b->columns() : 0}}) {
        const auto size = size_of(values, *param, found);
        if (!size) return unexpected(size.error());
        *to = *size;
    }
    if (auto fits = check_size(shape, values[output]); !fits) return unexpected(fits.error());
    return shape;
}

/// A block as tasks read it. Errors: InvalidArgument for a value that no f32 holds.
Result<Bytes> encode_block(std::span<const double> block, std::uint32_t value_bytes,
                           const std::string& name) {
    Bytes bytes;
    bytes.reserve(block.size() * value_bytes);
    ByteWriter writer{bytes};
    if (value_bytes == 8) {
        writer.numbers(block);
        return bytes;
    }
    for (const double value : block) {
        if (std::fabs(value) > std::numeric_limits<float>::max()) {
            return unexpected(ErrorCode::InvalidArgument,
                              name + ": " + nlohmann::json(value).dump() +
                                  " is too large for f32; set params.precision to f64");
        }
        writer.number(static_cast<float>(value));
    }
    return bytes;
}

/// Cuts a matrix into blocks, row of blocks after row of blocks.
Result<std::vector<programs::BlobRef>> cut(const data::MatrixFile& matrix, std::uint64_t height,
                                           std::uint64_t width, std::uint32_t value_bytes,
                                           const std::string& name, const JobContext& context) {
    std::vector<programs::BlobRef> blobs;
    for (std::uint64_t row = 0; row < matrix.rows(); row += height) {
        for (std::uint64_t column = 0; column < matrix.columns(); column += width) {
            const auto block = matrix.block(row, std::min(height, matrix.rows() - row), column,
                                            std::min(width, matrix.columns() - column));
            if (!block) return unexpected(block.error());
            const auto bytes = encode_block(*block, value_bytes, name);
            if (!bytes) return unexpected(bytes.error());
            auto blob = context.blobs->put(*bytes);
            if (!blob) return unexpected(blob.error());
            blobs.push_back(*blob);
        }
    }
    return blobs;
}

/// What is known of a product before it is computed.
struct PlannedProduct {
    programs::MatmulShape shape;
    data::DataPath path;
    OutputWriter writer;
    std::vector<std::string> notes;
};

Result<nlohmann::json> finish_product(const PlannedProduct& planned,
                                      const programs::MatmulProgram& program) {
    const programs::MatmulShape& shape = planned.shape;
    std::string file;
    if (is_csv(planned.path)) {
        file = data::matrix_csv(program.product(), shape.columns, shape.value_bytes);
    } else {
        file = data::npy_header(shape.rows, shape.columns, shape.value_bytes);
        file += as_text(program.product());
    }
    if (auto written = planned.writer.write(planned.path, as_byte_span(file)); !written) {
        return unexpected(written.error());
    }
    std::vector<std::string> notes = planned.notes;
    if (program.not_finite() > 0) {
        notes.push_back(std::to_string(program.not_finite()) +
                        " values of the product are not finite: they overflowed " +
                        (shape.value_bytes == 4 ? "(set params.precision to f64)"
                                                : "(scale the matrices down)"));
    }
    return nlohmann::json{{"rows", shape.rows},
                          {"inner", shape.inner},
                          {"columns", shape.columns},
                          {"precision", shape.value_bytes == 4 ? "f32" : "f64"},
                          {"sum", program.sum()},
                          {"norm", program.norm()},
                          {"not_finite", program.not_finite()},
                          {"result_sha256", to_hex(sha256(program.result_bytes()))},
                          {"files", {{"product", planned.path.shown()}}},
                          {"notes", std::move(notes)}};
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const auto a = open_matrix(values, a_file);
    if (!a) return unexpected(a.error());
    const auto b = open_matrix(values, b_file);
    if (!b) return unexpected(b.error());
    const auto shape = shape_of(values, *a, *b);
    if (!shape) return unexpected(shape.error());

    programs::MatmulJob product;
    product.shape = *shape;
    product.seed = values[seed];
    PlannedProduct planned{*shape, values[output], OutputWriter{context}, {}};
    for (const auto& [matrix, param, height, width, blobs] :
         {std::tuple{&*a, &a_file, shape->edge(), shape->depth(), &product.a},
          std::tuple{&*b, &b_file, shape->depth(), shape->edge(), &product.b}}) {
        if (!*matrix) continue;
        const std::string& name = values[*param].name();
        auto cut_up = cut(**matrix, height, width, shape->value_bytes, name, context);
        if (!cut_up) return unexpected(cut_up.error());
        *blobs = std::move(*cut_up);
        if (shape->value_bytes == 4 && (*matrix)->is_double()) {
            planned.notes.push_back(name + ": its numbers are rounded to f32");
        }
    }
    auto program = std::make_unique<programs::MatmulProgram>(std::move(product));
    PreparedJob job;
    job.rounds_may_follow = shape->depth_blocks() > 1;
    job.notes = planned.notes;
    job.finish = [kept = std::make_shared<const PlannedProduct>(std::move(planned)),
                  finished = program.get()] { return finish_product(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

}  // namespace

JobType matmul_job() {
    return {.name = "matmul",
            .title = "Matrix product",
            .summary = "Multiplies two matrices of files, or random ones, in blocks",
            .params = {.common = {a_file, b_file, rows, inner, columns, seed, precision, output}},
            .make = make};
}

}  // namespace netcompute::jobs
