#include "data/table_source.hpp"

#include "data/dataset_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace netcompute::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Gives out a text a few bytes at a time.
class SlowSource final : public CsvSource {
 public:
    SlowSource(std::string text, std::size_t piece) : text_{std::move(text)}, piece_{piece} {}
    Result<std::size_t> read(std::span<char> target) override {
        const std::size_t taken = std::min({target.size(), piece_, text_.size() - at_});
        std::copy_n(text_.data() + at_, taken, target.data());
        at_ += taken;
        return taken;
    }

 private:
    std::string text_;
    std::size_t at_ = 0;
    std::size_t piece_;
};

/// Header, fields and the encoding, as one text, read in pieces of every small size.
std::string read_whole(const std::string& text, const ReadingOptions& options = {}) {
    std::string first;
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 100'000U}) {
        auto table = open_table(std::make_unique<SlowSource>(text, piece), "t.csv", options);
        if (!table) return table.error().message;
        std::string all;
        for (const auto& name : table->reader.header()) all += name + "|";
        for (;;) {
            const auto more = table->reader.next();
            if (!more) return more.error().message;
            if (!*more) break;
            all += "\n";
            for (const auto field : table->reader.fields()) all += std::string{field} + "|";
        }
        all += "\n" + std::string{encoding_name(table->encoding())};
        if (first.empty()) first = all;
        EXPECT_EQ(all, first) << "in pieces of " << piece;
    }
    return first;
}

std::string gzip(std::string text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    std::string packed(deflateBound(&stream, text.size()) + 32, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

std::string zstd(const std::string& text) {
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
    return packed;
}

std::string utf16(std::u16string_view text, bool is_little) {
    std::string bytes = is_little ? "\xFF\xFE" : "\xFE\xFF";
    for (const char16_t unit : text) {
        const char low = static_cast<char>(unit & 0xFF);
        const char high = static_cast<char>(unit >> 8);
        bytes += is_little ? low : high;
        bytes += is_little ? high : low;
    }
    return bytes;
}

TEST(TableSourceTest, EncodingsAreFound) {
    EXPECT_EQ(read_whole("a,b\n1,2\n"), "a|b|\n1|2|\nutf-8");
    EXPECT_EQ(read_whole("a,b\n1,gr\xC3\xBCn\n"), "a|b|\n1|grün|\nutf-8");
    EXPECT_EQ(read_whole("\xEF\xBB\xBF"
                         "a,b\n1,2\n"),
              "a|b|\n1|2|\nutf-8");
    EXPECT_EQ(read_whole("a,b\n1,gr\xFCn \x80\n"), "a|b|\n1|grün €|\nwindows-1252");
    EXPECT_EQ(read_whole(utf16(u"a,b\n1,grün 😀\n", true)), "a|b|\n1|grün 😀|\nutf-16le");
    EXPECT_EQ(read_whole(utf16(u"a,b\n1,grün 😀\n", false)), "a|b|\n1|grün 😀|\nutf-16be");
    EXPECT_THAT(read_whole(utf16(u"a,b\n1,2\n", true) + "x"), HasSubstr("UTF-16 is damaged"));
}

// Far behind the bytes that the dialect is found by.
TEST(TableSourceTest, TheFirstLetterBeyondAsciiMayComeLate) {
    std::string text = "a,b\n";
    for (int i = 0; i < 30'000; ++i) text += "1,x\n";
    const std::string start = text;
    EXPECT_THAT(read_whole(start + "1,gr\xFCn\n"), HasSubstr("1|grün|\nwindows-1252"));
    EXPECT_THAT(read_whole(start + "1,gr\xC3\xBCn\n"), HasSubstr("1|grün|\nutf-8"));
}

// One damaged letter among good ones is a mistake to be told of, not another encoding.
TEST(TableSourceTest, OneBadByteAmongUtf8IsRefused) {
    EXPECT_THAT(read_whole("a,b\n1,gr\xC3\xBCn \xC3\xA9\n2,\xFF\n"),
                HasSubstr("line 3, position 3 (row 2): bytes that are not UTF-8"));
    EXPECT_THAT(read_whole("a\n\xE9\n", {.id = "", .encoding = TextEncoding::Utf8}),
                HasSubstr("not UTF-8"));
}

TEST(TableSourceTest, CompressedTablesAreUnpacked) {
    std::string text = "a,b\n";
    for (int i = 0; i < 50'000; ++i) text += std::to_string(i) + ",x\n";
    const std::string plain = read_whole(text);
    EXPECT_EQ(read_whole(gzip(text)), plain);
    EXPECT_EQ(read_whole(gzip("a,b\n1,2\n") + gzip("3,4\n")), "a|b|\n1|2|\n3|4|\nutf-8");
    EXPECT_EQ(read_whole(zstd(text)), plain);
    EXPECT_EQ(read_whole(zstd("a,b\n1,2\n") + zstd("3,4\n")), "a|b|\n1|2|\n3|4|\nutf-8");
}

TEST(TableSourceTest, DamagedArchivesAreRefused) {
    for (const std::string& packed : {gzip("a,b\n1,2\n"), zstd("a,b\n1,2\n")}) {
        EXPECT_THAT(read_whole(packed.substr(0, packed.size() - 3)), HasSubstr("end too early"));
        std::string changed = packed;
        changed[packed.size() / 2] ^= 0x55;
        EXPECT_THAT(read_whole(changed), testing::StartsWith("t.csv: ")) << "no table, or damaged";
        EXPECT_THAT(read_whole(packed + "more"), HasSubstr("are damaged"));
    }
}

TEST(TableSourceTest, OtherFilesAreNamed) {
    EXPECT_EQ(read_whole("PK\x03\x04 and so on"),
              "t.csv: is a ZIP archive or a workbook (xlsx, ods); save the sheet as CSV, or unpack "
              "the archive");
    EXPECT_THAT(read_whole("PAR1...."), HasSubstr("a Parquet file"));
}

TEST(TableSourceTest, FieldsMayBePartedByBlanks) {
    EXPECT_EQ(read_whole(" a   b\n 1\t 2 \n10 \"x  y\"\n"), "a|b|\n1|2|\n10|x  y|\nutf-8");
    EXPECT_EQ(read_whole("x y\n\"r 1\" 1 2\n\"r 2\" 3 4\n"),
              "Unnamed: 0|x|y|\nr 1|1|2|\nr 2|3|4|\nutf-8");
}

TEST(TableSourceTest, WhatIsNotPlainIsNoted) {
    const auto notes_of = [](std::string text) {
        auto table = open_table(std::make_unique<SlowSource>(std::move(text), 100), "t.csv");
        return read_dataset(*table, {}).value()->reading().notes;
    };
    EXPECT_THAT(notes_of("a,b\n1,2\n"), testing::IsEmpty());
    EXPECT_THAT(notes_of("a;b\n1,5;2\n"), ElementsAre("numbers have decimal commas"));
    EXPECT_THAT(notes_of("a,b\n1,\xFC\n"),
                ElementsAre("its text is no UTF-8, and is read as Windows-1252"));
    EXPECT_THAT(notes_of("# x\na,b\n\n1,2\n,\n"),
                ElementsAre("lines that begin with # are comments, and passed over",
                            "blank lines among the rows are passed over (the first is line 3)",
                            "1 row of empty fields only: passed over (the first in line 5)"));
}

}  // namespace
}  // namespace netcompute::data
