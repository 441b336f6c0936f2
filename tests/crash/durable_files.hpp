#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/crash/faulty_program.hpp"

namespace hotexpert::testing_support {

/// What a disk surely holds while a program writes: a file's bytes from its last fsync, a folder's
/// names from the folder's last fsync. Everything later may or may not be there.
class DurableFiles {
 public:
  /// @param root a folder that exists and is durable; every path lies below it
  explicit DurableFiles(std::string root);

  /// @return empty, or what is wrong with the call's place in the order: a file renamed before its
  /// bytes were safe
  std::string apply(const LoggedCall& call);

  /// What a power loss now may leave, name relative to the root -> bytes (folders end in '/'):
  /// nothing but what is safe; names that ran ahead of their bytes; half of the bytes as well.
  [[nodiscard]] std::vector<std::map<std::string, std::string>> after_power_loss() const;

 private:
  struct Node {
    bool folder = false;
    std::string bytes;
    std::string safe_bytes;
  };
  using Names = std::map<std::string, std::size_t>;  // path -> node

  void sync_names(const std::string& folder);
  std::map<std::string, std::string> files(const Names& names, bool half) const;

  std::string root_;
  std::vector<Node> nodes_;
  Names names_;
  Names safe_names_;
};

}  // namespace hotexpert::testing_support
