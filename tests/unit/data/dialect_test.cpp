#include "data/dialect.hpp"

#include <gtest/gtest.h>

namespace netcompute::data {
namespace {

struct DialectCase {
    const char* sample;
    Dialect dialect;
};

TEST(DialectTest, DialectsAreFound) {
    using Lacks = Dialect::Lacks;
    const DialectCase cases[] = {
        {"a,b\n1,2\n", {}},
        {"a;b\n1,5;2,5\n", {.separator = ';', .decimal = ','}},
        {"a;b\n1;2\n", {.separator = ';'}},
        {"a;b\n1.5;2\n", {.separator = ';'}},
        {"a;b\n1,234;2\n", {.separator = ';', .decimal = ','}},
        {"a;b\n1,234;2.5\n", {.separator = ';'}},
        {"a;b\n1.234,5;2\n", {.separator = ';', .decimal = ','}},
        {"a\tb\n1\t2\n", {.separator = '\t'}},
        {"a|b\n1|2\n", {.separator = '|'}},
        {"a   b\n1 2\n10  2\n", {.separator = ' '}},
        {"  a b\n  1 2\n 10 2\n", {.separator = ' '}},
        {"x y z\n1 2 3 4\n2 5 6 7\n", {.separator = ' ', .header_lacks = Lacks::First}},
        {"a,b\n1,2,\n3,4,\n", {.header_lacks = Lacks::Last}},
        {"sep=;\na;b\n1;2\n", {.separator = ';', .skip_lines = 1}},
        {"# made 2024\na,b\n1,2\n", {.comment = '#'}},
        {"#a,b\n1,2\n", {}},
        {"Report\n\na,b,c\n1,2,3\n4,5,6\n", {.skip_lines = 2}},
        {"'a','b'\n'x,y','z'\n", {.quote = '\''}},
        {"name,said\nBo,it's so\n", {}},
        {"a,b\n\"x;y\",1\n\"z;w\",2\n", {}},
        {"first name,last name\nAda B,Lace\nBo C,Di\n", {}},
        {"a,b\n\"1,5\",2\n\"2,5\",3\n", {.decimal = ','}},
        {"a,b\n\"64,659\",2\n5,3\n", {}},
        {"x\n1\n2\n", {}},
    };
    for (const DialectCase& each : cases) {
        const Dialect found = detect_dialect(each.sample, true);
        EXPECT_EQ(found, each.dialect)
            << each.sample << "separator '" << found.separator << "' decimal " << found.decimal
            << " quote " << found.quote << " skip " << found.skip_lines << " lacks "
            << static_cast<int>(found.header_lacks) << " comment " << int{found.comment};
    }
}

// One comma too many is a mistake, not a table of row names: the reader names the line.
TEST(DialectTest, RaggedTablesOfCommasStayTablesOfCommas) {
    EXPECT_EQ(detect_dialect("a,b\n1,2,3\n4,5,6\n", true).header_lacks, Dialect::Lacks::Nothing);
    EXPECT_EQ(detect_dialect("a,b\n1,2\n1,2,3\n", true).separator, ',');
    EXPECT_EQ(detect_dialect("a;b\n1;2\n1;2;3\n", true).separator, ';');
}

TEST(DialectTest, WhatIsGivenIsNotLookedFor) {
    const Dialect found = detect_dialect(
        "x\na;b\n1;2\n", true,
        {.separator = '/', .quote = '\0', .comment = '%', .decimal = ',', .skip_lines = 1});
    EXPECT_EQ(
        found,
        (Dialect{
            .separator = '/', .quote = '\0', .comment = '%', .decimal = ',', .skip_lines = 1}));
    EXPECT_EQ(detect_dialect("a\tb\n1,234\t2\n", true, {.usual_decimal = ','}).decimal, ',');
    EXPECT_EQ(detect_dialect("a\tb\n1,234\t2\n", true).decimal, '.');
}

// The last line of a sample may be cut off anywhere.
TEST(DialectTest, ALineThatTheSampleCutsOffDoesNotCount) {
    EXPECT_EQ(detect_dialect("a;b;c\n1;2;3\n4;5", false).separator, ';');
    EXPECT_EQ(detect_dialect("", true), Dialect{});
}

}  // namespace
}  // namespace netcompute::data
