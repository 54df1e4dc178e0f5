#include "data/date.hpp"

#include <gtest/gtest.h>

namespace netcompute::data {
namespace {

TEST(DateTest, DatesOfSeveralNotationsAreRead) {
    for (const char* text : {"2024-03-31", "2024/3/31", "31.3.2024", "31/3/2024", "3/31/2024",
                             "31-03-2024", "2024-03-31T00:00:00Z", "2024-03-31 02:00+02:00"}) {
        const auto date = parse_date(text);
        ASSERT_TRUE(date) << text;
        EXPECT_EQ(date->days, 19813) << text;
        EXPECT_EQ(date_text(date->days), "2024-03-31");
    }
    EXPECT_EQ(parse_date("2024-03-31 12:00")->days, 19813.5);
    EXPECT_EQ(date_text(parse_date("2024-03-31T12:30:05")->days), "2024-03-31 12:30:05");
    EXPECT_EQ(parse_date("1969-12-31")->days, -1);
    for (const char* text : {"", "2024", "20240331", "2024-13-01", "2024-02-30", "31.3.24", "1.2.3",
                             "2024-03-31x", "2024-03-31 25:00", "12:30", "Ada", "0999-01-01"}) {
        EXPECT_FALSE(parse_date(text)) << text;
    }
}

TEST(DateTest, TheOrderOfDayAndMonthMayBeUnclear) {
    EXPECT_TRUE(parse_date("3/4/2024")->needs_order);
    EXPECT_FALSE(parse_date("4/4/2024")->needs_order);
    EXPECT_FALSE(parse_date("3.4.2024")->needs_order);
    EXPECT_EQ(parse_date("13/4/2024")->order, DateOrder::DayFirst);
    EXPECT_EQ(parse_date("4/13/2024")->order, DateOrder::MonthFirst);
    EXPECT_EQ(date_text(parse_date("3/4/2024", DateOrder::DayFirst)->days), "2024-04-03");
    EXPECT_EQ(date_text(parse_date("3/4/2024", DateOrder::MonthFirst)->days), "2024-03-04");
}

TEST(DateTest, PartsAreThoseOfTheCalendar) {
    const DateParts parts = date_parts(parse_date("2024-03-31 18:00")->days);  // A Sunday.
    EXPECT_EQ(parts.month, 3);
    EXPECT_EQ(parts.weekday, 6);
    EXPECT_EQ(parts.hour, 18);
    EXPECT_EQ(date_parts(-0.25).month, 12);
}

}  // namespace
}  // namespace netcompute::data
