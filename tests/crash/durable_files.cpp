#include "tests/crash/durable_files.hpp"

namespace hotexpert::testing_support {
namespace {

std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

DurableFiles::DurableFiles(std::string root) : root_(std::move(root)) {}

std::string DurableFiles::apply(const LoggedCall& call) {
  const auto make = [&](bool folder) {
    names_[call.path] = nodes_.size();
    nodes_.push_back({folder, "", ""});
  };
  if (call.name == "mkdir") make(true);
  if (call.name == "create") make(false);
  if (call.name == "unlink") names_.erase(call.path);
  if (call.name == "rename") {
    const std::size_t node = names_.at(call.path);
    names_.erase(call.path);
    names_[call.path2] = node;
    if (nodes_[node].bytes != nodes_[node].safe_bytes) return "renamed before its fsync";
  }
  const auto found = names_.find(call.path);
  if (call.name == "fsync" && (found == names_.end() || nodes_[found->second].folder)) {
    sync_names(call.path);
  }
  if (found == names_.end()) return "";
  Node& node = nodes_[found->second];
  if (call.name == "write") node.bytes += call.bytes;
  if (call.name == "pwrite") node.bytes = call.bytes;  // the lock's text
  if (call.name == "ftruncate") node.bytes.resize(std::stoul(call.path2));
  if (call.name == "fsync") node.safe_bytes = node.bytes;
  return "";
}

void DurableFiles::sync_names(const std::string& folder) {
  std::erase_if(safe_names_, [&](const auto& row) { return parent(row.first) == folder; });
  for (const auto& [path, node] : names_) {
    if (parent(path) == folder) safe_names_[path] = node;
  }
}

std::vector<std::map<std::string, std::string>> DurableFiles::after_power_loss() const {
  return {files(safe_names_, false), files(names_, false), files(names_, true)};
}

std::map<std::string, std::string> DurableFiles::files(const Names& names, bool half) const {
  std::map<std::string, std::string> found;
  for (const auto& [path, index] : names) {
    // A name below a folder whose own name was lost is lost with it.
    if (parent(path) != root_ && names.count(parent(path)) == 0) continue;
    const Node& node = nodes_[index];
    std::string bytes = node.safe_bytes;
    if (half && node.bytes.size() > bytes.size())
      bytes += node.bytes.substr(bytes.size(), (node.bytes.size() - bytes.size()) / 2);
    found[path.substr(root_.size() + 1) + (node.folder ? "/" : "")] = bytes;
  }
  return found;
}

}  // namespace hotexpert::testing_support
