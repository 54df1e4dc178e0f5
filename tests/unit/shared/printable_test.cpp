#include <netcompute/printable.hpp>
#include <netcompute/utf8.hpp>

#include <gtest/gtest.h>

#include <random>

namespace netcompute {
namespace {

using namespace std::string_literals;

TEST(PrintableTest, TextOfEveryLanguageStaysAsItIs) {
    for (const char* text : {"", "lab-1", "Žluťoučký kůň", "计算", "שלום", "😀", "a\\b \"c\" 'd'"}) {
        EXPECT_EQ(printable(text), text);
    }
}

// What could end a line, command a terminal or turn the rest of the line around is shown instead.
TEST(PrintableTest, ControlsAndUnseenCharactersAreMadeVisible) {
    EXPECT_EQ(printable("a\nb\r\tc\0d\x7f"s), R"(a\x0ab\x0d\x09c\x00d\x7f)");
    EXPECT_EQ(printable("\x1b[2J\x1b]0;t\a"), R"(\x1b[2J\x1b]0;t\x07)");
    EXPECT_EQ(printable("\xc2\x80\xc2\x9b"
                        "31m\xc2\x9f\xc2\xa0"),
              R"(\u0080\u009b31m\u009f)"
              "\xc2\xa0");
    for (const char32_t direction : {0x61CU, 0x200EU, 0x200FU, 0x202AU, 0x202BU, 0x202CU, 0x202DU,
                                     0x202EU, 0x2066U, 0x2069U}) {
        std::string text{static_cast<char>(0xE0 | direction >> 12),
                         static_cast<char>(0x80 | (direction >> 6 & 0x3F)),
                         static_cast<char>(0x80 | (direction & 0x3F))};
        if (direction < 0x800) text = "\xd8\x9c";
        EXPECT_EQ(printable(text).substr(0, 2), "\\u") << std::hex << std::uint32_t{direction};
        EXPECT_EQ(printable(text).size(), 6U);
    }
    EXPECT_EQ(printable("\u2028\u2029\u200b\u200c\u200d\u2060\ufeff\u00ad"),
              R"(\u2028\u2029\u200b\u200c\u200d\u2060\ufeff\u00ad)");
    EXPECT_EQ(printable("\U000e0041\U000e007f"), R"(\U000e0041\U000e007f)");
}

TEST(PrintableTest, BytesThatAreNotUtf8AreShownOneByOne) {
    EXPECT_EQ(printable("\xff\x9b"), R"(\xff\x9b)");
    EXPECT_EQ(printable("\xed\xa0\x80"), R"(\xed\xa0\x80)") << "a surrogate";
    EXPECT_EQ(printable("\xc0\x8a"), R"(\xc0\x8a)") << "an overlong line feed";
    EXPECT_EQ(printable("a\xe2\x82"), R"(a\xe2\x82)") << "half a character";
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)") << "above U+10FFFF";
}

TEST(PrintableTest, LongTextIsCutBetweenCharactersAndSaysSo) {
    EXPECT_EQ(printable("0123456789", 10), "0123456789");
    EXPECT_EQ(printable("0123456789a", 10), "0123456…");
    EXPECT_EQ(printable("€€€€", 12), "€€€€");
    EXPECT_EQ(printable("€€€€", 11), "€€…");
    EXPECT_EQ(printable("\x1b\x1b\x1b", 10), R"(\x1b…)");
    EXPECT_EQ(printable("abcd", 3), "…");
    EXPECT_EQ(printable("abcd", 2), "");
    EXPECT_EQ(printable("ab", 2), "ab");
    EXPECT_EQ(printable(std::string(1000, 'x')).size(), 200U);
}

// The rule itself, for bytes of any kind.
TEST(PrintableTest, WhateverComesTheResultIsShortValidAndUnchangedByAnotherPass) {
    std::mt19937 random{1};
    const std::string alphabet =
        "a\\\n\x1b\x7f\x80\x9b\xc2\xe2\x80\xae\xf0\x9f\x98\xed\xa0\xff\xf3"s;
    for (int round = 0; round < 20'000; ++round) {
        std::string text(random() % 40, '\0');
        for (char& byte : text) byte = alphabet[random() % alphabet.size()];
        const std::size_t bytes_max = random() % 60;
        const std::string shown = printable(text, bytes_max);
        ASSERT_LE(shown.size(), bytes_max);
        for (std::string_view rest = shown; !rest.empty();) {
            const std::size_t size = utf8_character_size(rest);
            ASSERT_NE(size, 0U);
            ASSERT_GE(static_cast<unsigned char>(rest[0]), 0x20U);
            rest.remove_prefix(size);
        }
        ASSERT_EQ(printable(shown, bytes_max), shown);
    }
}

}  // namespace
}  // namespace netcompute
