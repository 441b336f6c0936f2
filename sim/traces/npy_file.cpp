#include "sim/traces/npy_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "sim/base/errors.hpp"
#include "sim/traces/mapped_file.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint32_t kLongestHeader = 1U << 20;
constexpr std::size_t kMostDimensions = 32;  // NumPy's own limit

struct DescrRow {
  std::string_view descr;
  ElementType type;
};
constexpr std::array kDescrs = {
    DescrRow{"|u1", ElementType::kU8},  DescrRow{"<u1", ElementType::kU8},
    DescrRow{"|i1", ElementType::kI8},  DescrRow{"<i1", ElementType::kI8},
    DescrRow{"<u2", ElementType::kU16}, DescrRow{"<i2", ElementType::kI16},
    DescrRow{"<u4", ElementType::kU32}, DescrRow{"<i4", ElementType::kI32},
    DescrRow{"<u8", ElementType::kU64}, DescrRow{"<i8", ElementType::kI64},
    DescrRow{"<f2", ElementType::kF16}, DescrRow{"<f4", ElementType::kF32},
    DescrRow{"<f8", ElementType::kF64}};

/// Reads the Python dictionary of the header: only the literals that NumPy writes.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

  struct Header {
    std::optional<ElementType> type;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::int64_t>> shape;
  };

  Header read() {
    Header header;
    expect('{');
    while (!accept('}')) {
      const auto key = quoted();
      expect(':');
      if (key == "descr" && !header.type) {
        header.type = element_type();
      } else if (key == "fortran_order" && !header.fortran_order) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !header.shape) {
        header.shape = tuple();
      } else {
        fail(fmt::format("unexpected key '{}'", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text after the dictionary");
    if (!header.type || !header.fortran_order || !header.shape) {
      fail("descr, fortran_order or shape is missing");
    }
    return header;
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw InputError(fmt::format("{}: the .npy header is damaged: {}", origin_, why));
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("'{}' expected at byte {}", wanted, at_));
  }

  std::string_view quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail(fmt::format("a quoted text expected at byte {}", at_));
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a quoted text does not end");
    const auto out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return out;
  }

  ElementType element_type() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') {
      throw InputError(fmt::format(
          "{}: holds structured records; save one plain integer array instead", origin_));
    }
    const auto descr = quoted();
    const auto* const row = std::find_if(kDescrs.begin(), kDescrs.end(),
                                         [&](const DescrRow& r) { return r.descr == descr; });
    if (row != kDescrs.end()) return row->type;
    if (descr.find('O') != std::string_view::npos) {
      throw InputError(fmt::format(
          "{}: holds Python objects ('{}'), which are never read; save an integer array", origin_,
          descr));
    }
    throw InputError(fmt::format(
        "{}: holds '{}'; only little-endian integers and floats are read (use astype('<i4'))",
        origin_, descr));
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, value] :
         {std::pair{std::string_view("True"), true}, {"False", false}}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    fail("fortran_order is neither True nor False");
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> out;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t value = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc() || value < 0) fail("the shape holds no possible size");
      if (out.size() == kMostDimensions) fail("the shape has too many dimensions");
      at_ = static_cast<std::size_t>(end - text_.data());
      out.push_back(value);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }

  std::string_view text_;
  std::string_view origin_;
  std::size_t at_ = 0;
};

}  // namespace

bool looks_like_npy(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

ArrayView parse_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> storage,
                    std::string_view origin) {
  if (!looks_like_npy(bytes)) {
    throw InputError(
        fmt::format("{}: is not an .npy file (it does not begin with \\x93NUMPY)", origin));
  }
  const std::size_t version_at = kMagic.size();
  const int version = bytes.size() > version_at ? std::to_integer<int>(bytes[version_at]) : 0;
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const std::size_t header_at = version_at + 2 + length_bytes;
  if (version < 1 || version > 3) {
    throw InputError(fmt::format("{}: .npy format {} is not known (1 to 3 are)", origin, version));
  }
  if (bytes.size() < header_at) {
    throw InputError(fmt::format("{}: ends inside its .npy header", origin));
  }
  const std::uint32_t header_length =
      version == 1 ? load_element<std::uint16_t>(bytes.data() + version_at + 2, 0)
                   : load_element<std::uint32_t>(bytes.data() + version_at + 2, 0);
  if (header_length > kLongestHeader || header_length > bytes.size() - header_at) {
    throw InputError(fmt::format("{}: the .npy header claims {} bytes; the file has {} left",
                                 origin, header_length, bytes.size() - header_at));
  }
  std::string text(header_length, '\0');
  std::memcpy(text.data(), bytes.data() + header_at, header_length);
  auto header = HeaderReader(text, origin).read();
  const auto needed = checked_bytes(*header.shape, *header.type, origin);
  const std::size_t available = bytes.size() - header_at - header_length;
  if (static_cast<std::uint64_t>(needed) != available) {
    throw InputError(fmt::format(
        "{}: the shape {} of {} needs {} bytes of data, the file has {} (truncated or damaged)",
        origin, shape_text(*header.shape), name(*header.type), needed, available));
  }
  const auto long_dimensions =
      std::count_if(header.shape->begin(), header.shape->end(), [](auto n) { return n > 1; });
  if (*header.fortran_order && long_dimensions > 1) {
    throw InputError(fmt::format(
        "{}: is in Fortran order; save numpy.ascontiguousarray(array) instead", origin));
  }
  return {*header.type, std::move(*header.shape), bytes.data() + header_at + header_length,
          std::move(storage)};
}

ArrayView open_npy(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_npy(file->bytes(), file, path);
}

}  // namespace hotexpert
