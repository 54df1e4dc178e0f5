// Blobs that a fold has published, as a job goes on, goes back, and is taken up again.
#include "engine/job_run.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

namespace netcompute::engine {
namespace {

/// Two rounds; the first fold publishes its output, which the second round reads. The state is the
/// blob's name, or nothing.
class RelayingProgram final : public programs::Program {
 public:
    [[nodiscard]] std::optional<programs::Round> round() const override {
        return programs::Round{"noop", 1, {refs_.begin(), refs_.end()}, 1};
    }
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex) const override {
        return {};
    }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan>,
                                            programs::RoundWork& work) override {
        refs_ = {work.publish_output(0)};
        return {};
    }
    [[nodiscard]] std::vector<programs::BlobRef> blobs() const override { return refs_; }
    [[nodiscard]] Bytes checkpoint() const override {
        Bytes state;
        ByteWriter writer{state};
        for (const programs::BlobRef& ref : refs_) {
            writer.bytes(std::as_bytes(std::span{ref.sha256.digest}));
            writer.number(ref.size);
        }
        return state;
    }
    [[nodiscard]] Result<void> restore(ByteSpan state) override {
        refs_.clear();
        if (state.empty()) return {};
        ByteReader reader{state};
        programs::BlobRef& ref = refs_.emplace_back();
        for (std::uint8_t& byte : ref.sha256.digest) byte = reader.number<std::uint8_t>();
        ref.size = reader.number<std::uint64_t>();
        return {};
    }
    [[nodiscard]] Bytes result_bytes() const override { return {}; }

 private:
    std::vector<programs::BlobRef> refs_;
};

class FetchBlobsTest : public ::testing::Test {
 protected:
    FetchBlobsTest() {
        PreparedJob prepared;
        prepared.program = std::make_unique<RelayingProgram>();
        job_.begin(std::move(prepared));
        EXPECT_TRUE(job_.start_round());
    }
    void pass_round(const Bytes& output) {
        auto owner = std::make_shared<const Bytes>(output);
        job_.keep_output(0, ByteSpan{*owner}, owner);
        auto next = job_.fold_step()();
        ASSERT_TRUE(next) << next.error().message;
        std::ignore = job_.advance(std::move(*next));
    }
    /// Reads these bytes, whatever was asked for.
    static store::ReadBytes reads(const Bytes& bytes) {
        return [bytes]() -> Result<std::shared_ptr<const Bytes>> {
            return std::make_shared<const Bytes>(bytes);
        };
    }

    const Bytes output_ = Bytes(5000, std::byte{7});
    const Sha256 name_ = sha256(output_);

 private:
    test_support::TemporaryFolder folder_;

 protected:
    std::unique_ptr<store::BlobStore> blobs_ =
        std::move(*store::BlobStore::open(folder_.path() / "blobs"));
    JobRun job_{store::JobRecord{}, Instant{}, *blobs_};
};

TEST_F(FetchBlobsTest, WhatAFoldPublishedIsThereAndIsWrittenDownBeforeTheState) {
    pass_round(output_);
    EXPECT_NE(blobs_->find(name_), nullptr);
    const std::vector<store::Record> records = job_.take_checkpoint();
    ASSERT_EQ(records.size(), 2U);
    const auto& blob = std::get<store::PutBlob>(records[0]);
    EXPECT_EQ(blob.sha256, name_);
    EXPECT_EQ((Bytes{blob.bytes.begin(), blob.bytes.end()}), output_);
    const auto& state = std::get<store::PutCheckpoint>(records[1]);
    EXPECT_EQ(state.round, 1U);
    EXPECT_EQ(state.blobs, std::vector{name_});
    EXPECT_TRUE(job_.missing_blobs().empty());
}

TEST_F(FetchBlobsTest, WhatTheStateNamesNoMoreIsGone) {
    pass_round(output_);
    ASSERT_TRUE(job_.start_round());
    pass_round(Bytes(10, std::byte{8}));
    EXPECT_EQ(blobs_->find(name_), nullptr);
}

TEST_F(FetchBlobsTest, AfterGoingBackTheRecordsBytesTakeTheirPlaceAgain) {
    pass_round(output_);
    const auto state = std::get<store::PutCheckpoint>(job_.take_checkpoint()[1]).state;
    ASSERT_TRUE(job_.start_round());
    pass_round(Bytes(10, std::byte{8}));
    ASSERT_TRUE(job_.go_back(1, *state));
    ASSERT_EQ(job_.missing_blobs().size(), 1U);
    EXPECT_EQ(job_.missing_blobs()[0].sha256, name_);
    EXPECT_EQ(job_.fetch_step({reads(Bytes(5000))})().error().code, ErrorCode::Internal);
    EXPECT_TRUE(job_.fetch_step({reads(output_)})());
    EXPECT_NE(blobs_->find(name_), nullptr);
}

}  // namespace
}  // namespace netcompute::engine
