#include "sim/base/decimal.hpp"

#include <gtest/gtest.h>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

TEST(DecimalTest, KeepsTheDecimalTheUserWrote) {
  EXPECT_EQ(Decimal::parse("1.10").to_string(), "1.1");
  EXPECT_EQ(Decimal::parse("-.5").to_string(), "-0.5");
  EXPECT_EQ(Decimal::parse("1e-4").to_string(), "0.0001");
  EXPECT_EQ(Decimal::parse("2e3").to_string(), "2000");
  EXPECT_EQ(Decimal::parse("0.000").to_string(), "0");
  EXPECT_EQ(Decimal::parse("1.1").to_double(), 1.1);
}

TEST(DecimalTest, ReadsWhatItWrites) {
  for (const char* text : {"1e15", "1e16", "-3e14", "999999999999999", "1e-15", "0", "12.5"}) {
    const Decimal written = Decimal::parse(text);
    EXPECT_EQ(Decimal::parse(written.to_string()), written) << text;
  }
}

TEST(DecimalTest, CeilingIsExactWhereDoublesAreNot) {
  EXPECT_EQ(ceil_product(400, Decimal::parse("1.1"), 8),
            55);  // in doubles: ceil(55.000000000000007) = 56
  EXPECT_EQ(floor_product(-7, Decimal::parse("0.5")), -4);
  EXPECT_EQ(ceil_product(7, Decimal::parse("0.5")), 4);
}

TEST(DecimalTest, OrdersByValueNotByDigits) {
  EXPECT_EQ(Decimal::parse("1.50"), Decimal::parse("1.5"));
  EXPECT_LT(Decimal::parse("1.25"), Decimal::parse("1.3"));
}

TEST(DecimalTest, RefusesWhatIsNoDecimal) {
  for (const char* text :
       {"", ".", "-", "1.2.3", "1e", "abc", "1,5", "nan", "inf", "1234567890123456", "1e99"}) {
    EXPECT_THROW(Decimal::parse(text), UsageError) << text;
  }
}

TEST(DecimalTest, OverflowIsAnErrorNotAWrap) {
  EXPECT_THROW(floor_product(std::int64_t{1} << 62, Decimal::parse("1000")), UsageError);
}

}  // namespace
}  // namespace hotexpert
