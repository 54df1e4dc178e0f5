#include "job_world.hpp"
#include "jobs/job_types.hpp"
#include "program_checks.hpp"
#include <netcompute/programs/local_blobs.hpp>
#include <netcompute/programs/matmul.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;

std::string content(const JobWorld& world, const std::string& path) {
    std::ifstream file{world.root() / path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write(const JobWorld& world, const std::string& path, std::string_view text) {
    std::ofstream{world.root() / path, std::ios::binary} << text;
}

/// An .npy file as NumPy writes it.
template <typename T>
std::string npy(std::string_view kind, bool is_by_column, std::string_view shape,
                const std::vector<T>& values) {
    std::string head = "{'descr': '" + std::string{kind} +
                       "', 'fortran_order': " + (is_by_column ? "True" : "False") +
                       ", 'shape': " + std::string{shape} + ", }";
    head.append(118 - 1 - head.size(), ' ');
    head += '\n';
    return std::string{"\x93NUMPY\x01\x00\x76\x00", 10} + head +
           std::string{as_text(std::as_bytes(std::span{values}))};
}

std::string refusal(JobWorld& world, const json& params) {
    const auto prepared = find_job_type("matmul")->prepare(params, world.context());
    return prepared ? "accepted" : prepared.error().message;
}

template <typename T>
std::vector<T> numbers_of(std::string_view bytes) {
    std::vector<T> numbers(bytes.size() / sizeof(T));
    std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
    return numbers;
}

template <typename T>
std::vector<T> random_matrix(std::uint64_t seed, std::uint32_t matrix, std::uint32_t rows,
                             std::uint32_t columns) {
    std::vector<T> values;
    for (std::uint32_t i = 0; i < rows; ++i) {
        for (std::uint32_t j = 0; j < columns; ++j) {
            values.push_back(static_cast<T>(kernels::random_matrix_value(seed, matrix, i, j)));
        }
    }
    return values;
}

/// The product by its definition: sums of 256 products each, in order.
template <typename T>
std::vector<T> plain_product(const std::vector<T>& a, const std::vector<T>& b, std::size_t rows,
                             std::size_t inner, std::size_t columns) {
    std::vector<T> product(rows * columns);
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            for (std::size_t k = 0; k < inner; k += 256) {
                T sum = 0;
                for (std::size_t at = k; at < std::min(inner, k + 256); ++at) {
                    const T factor = a[i * inner + at] * b[at * columns + j];
                    sum = sum + factor;
                }
                product[i * columns + j] = product[i * columns + j] + sum;
            }
        }
    }
    return product;
}

// A matrix of NumPy and one of a spreadsheet: the product is theirs, to the digit.
TEST(MatmulJobTest, FilesAreMultiplied) {
    JobWorld world;
    write(world, "Data/a.npy", npy<float>("<f4", false, "(2, 3)", {1, 2, 3, 4, 5, 6}));
    write(world, "Data/b.csv", "x;y\n1;0,5\n");
    EXPECT_THAT(refusal(world, {{"a", "Data/a.npy"}, {"b", "Data/b.csv"}}),
                HasSubstr("line 2, column 2: \"0,5\" is not a finite number"));
    write(world, "Data/b.csv", "x, y\r\n1, 0.5\r\n\n-1, 1e1\r\n\"2\", 0\r\n");
    const json result =
        world.run_job(*find_job_type("matmul"),
                      {{"a", "Data/a.npy"}, {"b", "Data/b.csv"}, {"output", "Data/c.csv"}});
    EXPECT_EQ(content(world, "Data/c.csv"), "5,20.5\n11,52\n");
    EXPECT_EQ(result["rows"], 2);
    EXPECT_EQ(result["inner"], 3);
    EXPECT_EQ(result["columns"], 2);
    EXPECT_EQ(result["sum"], 88.5);
    EXPECT_EQ(result["norm"], std::sqrt(25 + 20.5 * 20.5 + 121 + 52 * 52));
    EXPECT_EQ(result["notes"], json::array());
}

// The order of Fortran is another order of the same values; the product goes out as .npy.
TEST(MatmulJobTest, OrdersOfTheFileDoNotMatter) {
    JobWorld world;
    write(world, "Data/a.npy", npy<double>("<f8", false, "(2, 3)", {1, 2, 3, 4, 5, 6}));
    write(world, "Data/at.npy", npy<double>("<f8", true, "(2, 3)", {1, 4, 2, 5, 3, 6}));
    write(world, "Data/b.csv", "1 0\n0 1\n1 1\n");
    const JobType& type = *find_job_type("matmul");
    const json first = world.run_job(type, {{"a", "Data/a.npy"}, {"b", "Data/b.csv"}});
    EXPECT_EQ(content(world, "Data/product.npy"),
              npy<double>("<f8", false, "(2, 2)", {4, 5, 10, 11}));
    const json second = world.run_job(
        type, {{"a", "Data/at.npy"}, {"b", "Data/b.csv"}, {"output", "Data/again.npy"}});
    EXPECT_EQ(first["result_sha256"], second["result_sha256"]);
    const json single = world.run_job(type, {{"a", "Data/a.npy"},
                                             {"b", "Data/b.csv"},
                                             {"precision", "f32"},
                                             {"output", "Data/f32.npy"}});
    EXPECT_EQ(content(world, "Data/f32.npy"), npy<float>("<f4", false, "(2, 2)", {4, 5, 10, 11}));
    EXPECT_THAT(single["notes"].dump(), HasSubstr("a.npy: its numbers are rounded to f32"));
}

// Blocks, parts of the inner dimension and restarts change no bit: the product is its definition.
TEST(MatmulProgramTest, BlocksGiveTheBitsOfTheDefinition) {
    const auto none = [](const Sha256&) -> std::optional<ByteSpan> { return std::nullopt; };
    for (const programs::MatmulShape shape :
         {programs::MatmulShape{515, 300, 33, 4}, {33, 2055, 515, 8}, {3, 4100, 5, 4}}) {
        programs::MatmulJob job;
        job.shape = shape;
        job.seed = 7;
        programs::MatmulProgram program{job};
        ASSERT_TRUE(programs::run_in_process(program, none));
        const auto rows = static_cast<std::uint32_t>(shape.rows);
        const auto inner = static_cast<std::uint32_t>(shape.inner);
        const auto columns = static_cast<std::uint32_t>(shape.columns);
        const auto expect_equal = [&]<typename T>(T) {
            const auto product =
                plain_product(random_matrix<T>(7, 0, rows, inner),
                              random_matrix<T>(7, 1, inner, columns), rows, inner, columns);
            EXPECT_TRUE(numbers_of<T>(as_text(program.product())) == product);
        };
        shape.value_bytes == 4 ? expect_equal(0.0F) : expect_equal(0.0);
    }
}

// A master that is restarted before each round goes on with the sums that lie in blobs.
TEST(MatmulProgramTest, PartialSumsOutliveARestart) {
    programs::MatmulJob job;
    job.shape = {4, 4100, 515, 8};
    programs::LocalBlobs local{[](const Sha256&) { return std::optional<ByteSpan>{}; }};
    auto current = std::make_unique<programs::MatmulProgram>(job);
    std::size_t rounds = 0;
    while (const auto round = current->round()) {
        std::vector<Bytes> outputs;
        for (TaskIndex index = 0; index < round->task_count; ++index) {
            outputs.push_back(programs::run_task(*current, *round, index, local.source()).value());
        }
        auto restored = std::make_unique<programs::MatmulProgram>(job);
        ASSERT_TRUE(restored->restore(current->checkpoint()));
        EXPECT_EQ(current->blobs().size(), rounds == 0 ? 0U : 2U);
        testing::expect_damaged_checkpoints_to_be_refused(*restored);
        current = std::move(restored);
        const std::vector<ByteSpan> spans(outputs.begin(), outputs.end());
        ASSERT_TRUE(local.fold(*current, spans));
        ++rounds;
    }
    EXPECT_EQ(rounds, 3U);
    EXPECT_TRUE(numbers_of<double>(as_text(current->product())) ==
                plain_product(random_matrix<double>(0, 0, 4, 4100),
                              random_matrix<double>(0, 1, 4100, 515), 4, 4100, 515));
}

TEST(MatmulJobTest, WhatOverflowsIsCounted) {
    JobWorld world;
    write(world, "Data/a.csv", "3e38,3e38\n3e38,0\n");
    write(world, "Data/b.csv", "3e38,0\n-3e38,1\n");
    const json result = world.run_job(
        *find_job_type("matmul"),
        {{"a", "Data/a.csv"}, {"b", "Data/b.csv"}, {"precision", "f32"}, {"output", "Data/c.csv"}});
    EXPECT_EQ(content(world, "Data/c.csv"), "nan,3e+38\ninf,0\n");
    EXPECT_EQ(result["not_finite"], 2);
    EXPECT_THAT(result["notes"].dump(), HasSubstr("2 values of the product are not finite"));
}

TEST(MatmulJobTest, MistakesAreNamed) {
    JobWorld world;
    write(world, "Data/a.npy", npy<double>("<f8", false, "(2, 3)", {1, 2, 3, 4, 5, 6}));
    for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
             {npy<std::int64_t>("<i8", false, "(1, 2)", {1, 2}),
              "are of the kind '<i8', not '<f4' or '<f8'; save it with .astype('float64')"},
             {npy<double>("<f8", false, "(2,)", {1, 2}), "its shape is (2,), not that of a matrix"},
             {npy<double>("<f8", false, "(2, 2, 1)", {1, 2, 3, 4}), "its shape is (2, 2, 1)"},
             {npy<double>("<f8", false, "(2, 2)", {1, 2, 3}), "not as long as its shape, 2 x 2"},
             {npy<double>("<f8", false, "(0, 2)", {}), "it has no values"},
             {npy<double>("<f8", false, "(3, 1)", {1, NAN, 3}),
              "row 2, column 1: is not a finite number"},
             {npy<double>("<f8", false, "(18446744073709551615, 2)", {1}), "not as long as"},
             {std::string{"\x93NUMPY\x01\x00\x76\x00", 10}, ".npy header is cut"},
             {"", "it has no row of numbers"},
             {"1,2\n3\n", "line 2 has 1 fields, and the first one 2"},
             {"1,2\n3,\n", "line 2, column 2: \"\" is not a finite number"}}) {
        write(world, "Data/b", text);
        EXPECT_THAT(refusal(world, {{"a", "Data/a.npy"}, {"b", "Data/b"}}), HasSubstr(words));
    }
    write(world, "Data/b.csv", "1,2\n");
    EXPECT_THAT(refusal(world, {{"a", "Data/a.npy"}, {"b", "Data/b.csv"}}),
                HasSubstr("b.csv is 1 x 2 and "));
    EXPECT_THAT(refusal(world, {{"a", "Data/a.npy"}, {"rows", 5}}),
                HasSubstr("params.rows: 5 is not what the file has, 2; leave it out"));
    EXPECT_THAT(refusal(world, {{"rows", 1 << 20}, {"columns", 1 << 20}}),
                HasSubstr("params.rows: a product of 1048576 x 1048576 values has more than "
                          "134217728; multiply fewer rows"));
    EXPECT_THAT(refusal(world, {{"rows", 1 << 13}, {"columns", 1 << 12}, {"output", "Data/c.csv"}}),
                HasSubstr("too many for CSV; name an .npy file as params.output"));
    EXPECT_THAT(refusal(world, {{"inner", 1U << 31}, {"rows", 100}}),
                HasSubstr("params.inner: a matrix of 256 x 2147483648 values has more than"));
    write(world, "Data/b.csv", "1\n2\n1e39\n");
    EXPECT_THAT(refusal(world, {{"a", "Data/a.npy"}, {"b", "Data/b.csv"}, {"precision", "f32"}}),
                HasSubstr("is too large for f32; set params.precision to f64"));
}

}  // namespace
}  // namespace netcompute::jobs
