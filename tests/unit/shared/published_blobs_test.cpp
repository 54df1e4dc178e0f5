// What folds publish, in a program that runs in one process.
#include <netcompute/programs/local_blobs.hpp>
#include <netcompute/programs/rounds.hpp>

#include <gmock/gmock.h>

namespace netcompute::programs {
namespace {

using ::testing::HasSubstr;

Bytes text(std::string_view words) {
    const ByteSpan bytes = std::as_bytes(std::span{words});
    return {bytes.begin(), bytes.end()};
}

/// Two rounds of noop, the second of which reads what the first one gave.
class RelayProgram final : public Program {
 public:
    enum class Mistake { None, NamesTheUnknown };
    explicit RelayProgram(Mistake mistake = Mistake::None) : mistake_{mistake} {}

    [[nodiscard]] std::optional<Round> round() const override {
        if (folds_ == 2) return std::nullopt;
        return Round{"noop", 1, {}, 1};
    }
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex) const override {
        std::vector<TaskInput> inputs;
        if (folds_ == 0)
            inputs.emplace_back(text("first"));
        else
            inputs.emplace_back(refs_.front());
        return inputs;
    }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs,
                                            RoundWork& work) override {
        result_.assign(outputs[0].begin(), outputs[0].end());
        ++folds_;
        refs_.clear();
        if (folds_ == 1) refs_.push_back(work.publish_output(0));
        if (mistake_ == Mistake::NamesTheUnknown) refs_.push_back({sha256(text("unknown")), 7});
        return {};
    }
    [[nodiscard]] std::vector<BlobRef> blobs() const override { return refs_; }
    [[nodiscard]] Bytes checkpoint() const override { return {}; }
    [[nodiscard]] Result<void> restore(ByteSpan) override { return {}; }
    [[nodiscard]] Bytes result_bytes() const override { return result_; }

 private:
    Mistake mistake_;
    int folds_ = 0;
    std::vector<BlobRef> refs_;
    Bytes result_;
};

std::optional<ByteSpan> no_others(const Sha256&) {
    return std::nullopt;
}

TEST(PublishedBlobsTest, TheSameBytesHaveTheSameNameAndAreKeptOnce) {
    const Bytes output = text("output");
    const std::vector<ByteSpan> outputs{output};
    RoundWork work{outputs};
    const BlobRef ref = work.publish_output(0);
    EXPECT_EQ(ref, (BlobRef{sha256(output), output.size()}));
    EXPECT_EQ(work.publish(output), ref);
    EXPECT_EQ(work.publish(Bytes{output}), ref);
    ASSERT_EQ(work.published().size(), 1U);
    EXPECT_EQ(work.published().at(ref.sha256).data(), outputs[0].data()) << "it was copied";
}

TEST(PublishedBlobsTest, LaterRoundsReadThem) {
    RelayProgram program;
    const auto ran = run_in_process(program, no_others);
    ASSERT_TRUE(ran) << ran.error().message;
    EXPECT_EQ(program.result_bytes(), text("first"));
}

TEST(PublishedBlobsTest, AreFoundForAsLongAsTheStateNamesThem) {
    RelayProgram program;
    LocalBlobs blobs{no_others};
    const Bytes output = text("given");
    const std::vector<ByteSpan> outputs{output};
    ASSERT_TRUE(blobs.fold(program, outputs));
    EXPECT_TRUE(blobs.find(sha256(output)));
    ASSERT_TRUE(blobs.fold(program, outputs));
    EXPECT_FALSE(blobs.find(sha256(output)));
}

TEST(PublishedBlobsTest, AStateThatNamesWhatNobodyPublishedIsAMistake) {
    RelayProgram program{RelayProgram::Mistake::NamesTheUnknown};
    const auto ran = run_in_process(program, no_others);
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().code, ErrorCode::Internal);
    EXPECT_THAT(ran.error().message, HasSubstr(to_hex(sha256(text("unknown")))));
}

}  // namespace
}  // namespace netcompute::programs
