#include "net/http/byte_budget.hpp"

#include <gtest/gtest.h>

#include <string>

namespace netcompute::net {
namespace {

struct Peer {
    Peer(const std::shared_ptr<ByteBudget>& budget, char name, std::string& gone)
        : share{budget, [&gone, name] { gone += name; }} {}
    ByteBudget::Share share;
};

// Who is quick is never in the way: the one that has held its bytes longest goes.
TEST(ByteBudgetTest, TheOneThatHeldItsBytesLongestLetsGo) {
    const auto budget = std::make_shared<ByteBudget>(100);
    std::string gone;
    Peer a{budget, 'a', gone}, b{budget, 'b', gone}, c{budget, 'c', gone};
    a.share.set(40);
    b.share.set(40);
    a.share.set(0);
    a.share.set(30);  // It began anew, after b.
    c.share.set(30);
    EXPECT_EQ(gone, "");
    c.share.set(31);
    EXPECT_EQ(gone, "b");
    EXPECT_EQ(budget->bytes(), 61U);
    b.share.set(90);  // It was told to go: what it says does not count any more.
    EXPECT_EQ(budget->bytes(), 61U);
    c.share.set(80);
    EXPECT_EQ(gone, "ba");
}

TEST(ByteBudgetTest, OneAloneMayBeLargerThanTheBound) {
    const auto budget = std::make_shared<ByteBudget>(100);
    std::string gone;
    Peer a{budget, 'a', gone};
    a.share.set(500);
    EXPECT_EQ(gone, "");
    Peer b{budget, 'b', gone};
    b.share.set(1);
    EXPECT_EQ(gone, "a");
}

TEST(ByteBudgetTest, WhoEndsGivesBackWhatItHeld) {
    const auto budget = std::make_shared<ByteBudget>(100);
    std::string gone;
    {
        Peer a{budget, 'a', gone};
        a.share.set(99);
    }
    EXPECT_EQ(budget->bytes(), 0U);
    Peer b{budget, 'b', gone};
    b.share.set(100);
    EXPECT_EQ(gone, "");
}

}  // namespace
}  // namespace netcompute::net
