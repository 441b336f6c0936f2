#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/json.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert::formats {

/// Collects counts that JSON holds in nested lists, an item of the outermost list at a time.
class CountLists {
 public:
  /// @param origin the file and the key in it, for errors: "counts.json: logical_count"
  explicit CountLists(std::string origin) : origin_(std::move(origin)) {}

  /// Appends one item: [layers][experts] of a step, or [experts] of a layer; all of one shape.
  /// @throws InputError when the lists differ in length or depth, or hold anything but numbers
  void add(const Json& item);

  /// All items; those of [experts] are the layers of one step.
  /// @throws InputError when there is none, or a count is no whole number >= 0
  [[nodiscard]] LoadMatrix finish();

 private:
  void append(const Json& item, std::size_t depth);

  std::string origin_;
  std::vector<std::int64_t> shape_;  ///< of the whole; [0] counts the items
  std::vector<double> values_;
};

}  // namespace hotexpert::formats
