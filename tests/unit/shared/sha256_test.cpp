#include <netcompute/random.hpp>
#include <netcompute/sha256.hpp>

#include <gtest/gtest.h>

namespace netcompute {
namespace {

// The browsers' hash must be the natives': sizes around the block of 64 bytes, and the 56 beyond
// which the padding takes a block more.
TEST(Sha256Test, OurOwnCodeGivesTheDigestOfOpenSsl) {
    Philox random{5};
    Bytes bytes;
    for (std::size_t size = 0; size < 300; ++size) {
        EXPECT_EQ(sha256_portable(bytes), sha256(bytes)) << size << " bytes";
        bytes.push_back(std::byte(random.next_u64() & 0xff));
    }
    bytes.resize(1'000'003, std::byte{7});
    EXPECT_EQ(sha256_portable(bytes), sha256(bytes));
}

TEST(Sha256Test, GivesTheDigestsOfTheStandard) {
    EXPECT_EQ(to_hex(sha256_portable(as_byte_span("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256_portable({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, HexNamesOneDigestAndNothingElseDoes) {
    const Sha256 digest = sha256(as_byte_span("abc"));
    EXPECT_EQ(sha256_from_hex(to_hex(digest)), digest);
    std::string hex = to_hex(digest);
    EXPECT_EQ(sha256_from_hex(hex.substr(1)), std::nullopt);
    EXPECT_EQ(sha256_from_hex(hex + "0"), std::nullopt);
    hex[0] = 'B';
    EXPECT_EQ(sha256_from_hex(hex), std::nullopt) << "capitals are another name";
}

TEST(Sha256Test, DigestsAreOrderedByTheirBytes) {
    Sha256 low, high;
    low.digest[0] = 0x7f;
    low.digest[1] = 0xff;
    high.digest[0] = 0x80;
    EXPECT_LT(low, high);
    EXPECT_GT(high, low);
    EXPECT_EQ(low <=> low, std::strong_ordering::equal);
}

}  // namespace
}  // namespace netcompute
