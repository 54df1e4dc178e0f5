#include "engine/receipt.hpp"

#include "computed_job.hpp"
#include "engine/receipt_reader.hpp"
#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>

namespace netcompute::engine {
namespace {

using test_support::TemporaryFolder;
using testing::HasSubstr;

Sha256 digest_of(std::uint64_t number) {
    return sha256(std::as_bytes(std::span{&number, 1}));
}

/// A round that tells of each of its tasks.
ReceiptRound round_of(std::string kernel, std::uint32_t version,
                      std::vector<ReceiptOutput> outputs) {
    ReceiptRound round;
    round.kernel = std::move(kernel);
    round.kernel_version = version;
    round.state = {std::byte{0xab}, std::byte{0}};
    round.outputs = std::move(outputs);
    complete_first_version(round);
    round.state = {};
    return round;
}

ReceiptWork some_work() {
    ReceiptWork work;
    work.software = "1.2.3";
    work.workers = {{WorkerId{1}, "w-1", "lab \"one\"\n", "native", 1, 1},
                    {WorkerId{90'000}, "w-2", "tab", "browser", 1'000'001, 7}};
    work.rounds = {
        round_of("first", 1, {{WorkerId{1}, digest_of(1), true}}),
        round_of("second", 2,
                 {{WorkerId{90'000}, digest_of(2), false}, {WorkerId{}, digest_of(3), true}})};
    ReceiptRound& large = work.rounds.emplace_back();
    large.kernel = "third";
    large.task_count = 1'000'000;
    large.state_sha256 = digest_of(4);
    large.results_sha256 = digest_of(5);
    large.confirmed_count = 6;
    return work;
}

/// As version 0.1 left it.
ReceiptWork first_version() {
    ReceiptWork work = some_work();
    work.format_version = 1;
    work.rounds.pop_back();
    for (ReceiptRound& round : work.rounds) round.state = {std::byte{0xab}, std::byte{0}};
    for (ReceiptWorker& worker : work.workers) worker.output_count = worker.confirmed_count = 0;
    return work;
}

store::JobRecord some_job() {
    store::JobRecord job;
    job.id = JobId{3};
    job.type = "noop";
    job.name = "a \"job\"\n\"root_sha256\": \"\"}";
    job.params = R"({"task_count":3})";
    job.state = store::JobState::Succeeded;
    job.elapsed_seconds = 0.1;
    job.submitted_unix_ms = 1'700'000'000'123;
    job.inputs = {{"data", "Data/a.csv", digest_of(9)}};
    job.result = R"({"answer":42})";
    return job;
}

TEST(ReceiptWorkTest, ComesBackAsItWas) {
    for (const ReceiptWork& work : {some_work(), first_version()}) {
        const auto decoded = decode_receipt_work(encode_receipt_work(work));
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_EQ(*decoded, work);
    }
}

// The version that ran the job is written when the job ends, not when somebody asks for it.
TEST(ReceiptWorkTest, NamesTheVersionThatRanTheJob) {
    const auto decoded = decode_receipt_work(encode_receipt_work({}));
    ASSERT_TRUE(decoded);
    EXPECT_FALSE(decoded->software.empty());
}

// Wherever stored bytes end too early, or one more follows, they are refused and nothing is read
// past their end.
TEST(ReceiptWorkTest, CutBytesAreRefused) {
    for (const ReceiptWork& work : {some_work(), first_version()}) {
        Bytes bytes = encode_receipt_work(work);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_FALSE(decode_receipt_work(ByteSpan{bytes}.first(size))) << size;
        }
        bytes.push_back(std::byte{0});
        EXPECT_FALSE(decode_receipt_work(bytes));
        bytes.front() = std::byte{9};
        EXPECT_FALSE(decode_receipt_work(ByteSpan{bytes}.first(bytes.size() - 1)));
    }
}

TEST(ReceiptTest, IsReadAsItWasWritten) {
    const auto receipt = read_receipt(receipt_text(some_job(), some_work()));
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->job_id, 3U);
    EXPECT_EQ(receipt->job_name, some_job().name);
    EXPECT_EQ(receipt->job_type, "noop");
    EXPECT_EQ(receipt->params, nlohmann::json::parse(some_job().params));
    EXPECT_EQ(receipt->inputs, (std::vector<jobs::JobInput>{{"data", "Data/a.csv", digest_of(9)}}));
    EXPECT_EQ(receipt->work.rounds, some_work().rounds);
    EXPECT_EQ(receipt->work.workers, some_work().workers);
    EXPECT_EQ(receipt->software, "netcompute 1.2.3");
    EXPECT_EQ(receipt->result, nlohmann::json::parse(some_job().result));
}

// Receipts that a former version left are what they were: somebody may have cited their roots.
TEST(ReceiptTest, TheFirstVersionIsWrittenAndReadAsItWas) {
    const std::string text = receipt_text(some_job(), first_version());
    EXPECT_EQ(to_hex(sha256(as_byte_span(text))),
              "c697e2140d6582fa1aee0d337e894f42a02801fcbcb7a5397140a8674232f389");
    const auto receipt = read_receipt(text);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->work, [] {
        ReceiptWork work = first_version();
        work.software = "netcompute " + work.software;
        return work;
    }());
}

// A job of many rounds with large states leaves no more than a line for each of them.
TEST(ReceiptTest, ARoundTakesLessThanAKilobyte) {
    ReceiptWork work = some_work();
    work.rounds.resize(1);
    const auto size_with = [&](std::uint32_t task_count) {
        std::vector<ReceiptOutput> outputs;
        for (std::uint32_t i = 0; i < task_count; ++i) {
            outputs.push_back({WorkerId{std::uint64_t{1} << 40}, digest_of(i), true});
        }
        ReceiptWork longer = work;
        ReceiptRound round = round_of("a_kernel_with_a_long_name", 1'000'000, std::move(outputs));
        if (!lists_tasks(1, task_count)) round.outputs = {};
        longer.rounds.push_back(std::move(round));
        return receipt_text(some_job(), longer).size() - receipt_text(some_job(), work).size();
    };
    for (const std::uint32_t task_count : {1U, 8U, 9U, 64U, 100'000U}) {
        EXPECT_LT(size_with(task_count), 1000U) << task_count;
    }
    EXPECT_TRUE(lists_tasks(0, 1'000'000));
}

// Any JSON reader can read it, and finds each task's hash with the worker that gave it.
TEST(ReceiptTest, IsPlainJson) {
    const auto json = nlohmann::json::parse(receipt_text(some_job(), some_work()));
    EXPECT_EQ(json.at("kernels"), (nlohmann::json{"first@1", "second@2", "third@0"}));
    EXPECT_EQ(json.at("job").at("validation"), "default");
    EXPECT_EQ(json.at("rounds").at(0).at("state_sha256"),
              to_hex(sha256(Bytes{std::byte{0xab}, std::byte{0}})));
    EXPECT_EQ(json.at("workers").at(1).at("results"), 1'000'001);
    EXPECT_FALSE(json.at("rounds").at(2).contains("results"));
    EXPECT_EQ(json.at("rounds").at(1).at("results"),
              (nlohmann::json{to_hex(digest_of(2)) + " 90000 0", to_hex(digest_of(3)) + " 0 1"}));
}

std::string output_of(const std::string& command) {
    std::string output;
    FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return "could not run";
    std::array<char, 256> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
    ::pclose(pipe);
    return output;
}

// The rule that docs/receipt.md states, with tools that everybody has.
TEST(ReceiptTest, ItsRootIsTheHashOfAllLinesButTheLast) {
    const std::string text = receipt_text(some_job(), some_work());
    const TemporaryFolder folder;
    const auto file = folder.write("receipt.json", text);
    const std::string root = nlohmann::json::parse(text).at("root_sha256");
    EXPECT_EQ(output_of("head -n -1 '" + file.string() + "' | sha256sum"), root + "  -\n");
}

// Whichever byte is changed, left out or added, the receipt is refused.
TEST(ReceiptTest, AnyChangedByteIsFound) {
    const std::string text = receipt_text(some_job(), some_work());
    ASSERT_TRUE(read_receipt(text));
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_FALSE(read_receipt(changed)) << "byte " << i;
        EXPECT_FALSE(read_receipt(std::string{text}.erase(i, 1))) << "without byte " << i;
        EXPECT_FALSE(read_receipt(text.substr(0, i))) << "cut at " << i;
    }
    EXPECT_FALSE(read_receipt(text + "\n"));
}

/// The text with one part replaced and its root made right again, as a forger would.
std::string forged(const std::string& text, const std::string& from, const std::string& to) {
    std::string body = text.substr(0, text.rfind("\"root_sha256\""));
    const std::size_t at = body.find(from);
    if (at == body.npos) throw std::runtime_error(from + " is not in the receipt");
    body.replace(at, from.size(), to);
    return body + root_line(to_hex(sha256(as_byte_span(body))));
}

std::string refusal(const std::string& text) {
    const auto receipt = read_receipt(text);
    return receipt ? "accepted" : receipt.error().message;
}

TEST(ReceiptTest, RefusalsSayWhatIsWrong) {
    const std::string text = receipt_text(some_job(), some_work());
    ASSERT_EQ(refusal(forged(text, "\"task_count\":3", "\"task_count\":4")), "accepted");
    EXPECT_THAT(refusal(""), HasSubstr("its last line is not"));
    EXPECT_THAT(refusal(std::string{text}.replace(5, 1, "F")), HasSubstr("it was changed after"));
    EXPECT_THAT(refusal(forged(text, "netcompute-receipt", "another")),
                HasSubstr("not a receipt of NetCompute"));
    EXPECT_THAT(refusal(forged(text, "\"format_version\": 2", "\"format_version\": 3")),
                HasSubstr("use a newer netcompute-master"));
    EXPECT_THAT(refusal(forged(receipt_text(some_job(), first_version()), "\"ab00\"", "\"ab01\"")),
                HasSubstr("round 0: state"));
    EXPECT_THAT(refusal(forged(text, to_hex(digest_of(2)), to_hex(digest_of(7)))),
                HasSubstr("round 1: results: they are not those of its results_sha256"));
    EXPECT_THAT(refusal(forged(text, to_hex(digest_of(5)), "5")),
                HasSubstr("round 2: results_sha256: \"5\" is not a SHA-256"));
    EXPECT_THAT(refusal(forged(text, " 90000 0\"", " 90000 2\"")), HasSubstr("round 1 task 0"));
    EXPECT_THAT(refusal(forged(text, "\"task_count\":2", "\"task_count\":1")),
                HasSubstr("there are 2 results"));
    EXPECT_THAT(refusal(forged(text, "\"first@1\",\"task", "\"first\",\"task")),
                HasSubstr("\"first\" is not NAME@VERSION"));
    EXPECT_THAT(refusal(forged(text, "\"software\"", "\"hardware\"")), HasSubstr("software"));
}

// A million tasks leave a receipt within seconds and in memory of its own size.
TEST(ReceiptTest, AMillionTasksAreNoBurden) {
    constexpr std::uint32_t task_count = 1'000'000;
    ReceiptWork work;
    work.software = "1.2.3";
    ReceiptRound& round = work.rounds.emplace_back();
    round.kernel = "noop";
    round.kernel_version = 1;
    for (std::uint32_t i = 0; i < task_count; ++i) {
        round.outputs.push_back({WorkerId{i % 100}, digest_of(i), i % 20 == 0});
    }
    complete_first_version(round);
    const auto start = std::chrono::steady_clock::now();
    const auto seconds_so_far = [start] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    const Bytes bytes = encode_receipt_work(work);
    const double encoded_at = seconds_so_far();
    EXPECT_LT(bytes.size(), 35 * std::size_t{task_count});
    const auto decoded = decode_receipt_work(bytes);
    ASSERT_TRUE(decoded);
    const double decoded_at = seconds_so_far();
    const std::string text = receipt_text(some_job(), *decoded);
    const double written_at = seconds_so_far();
    EXPECT_LT(text.size(), 80 * std::size_t{task_count});
    const auto receipt = read_receipt(text);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->work.rounds, work.rounds);
    RecordProperty("encode_seconds", std::to_string(encoded_at));
    RecordProperty("decode_seconds", std::to_string(decoded_at - encoded_at));
    RecordProperty("text_seconds", std::to_string(written_at - decoded_at));
    RecordProperty("read_seconds", std::to_string(seconds_so_far() - written_at));
}

}  // namespace
}  // namespace netcompute::engine
