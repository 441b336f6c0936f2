#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/plugin/hotexpert_plugin.h"
#include "sim/base/errors.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// A user's kernel failed while it was made or run: the point fails with what it said.
class PluginError : public Error {
 public:
  explicit PluginError(const std::string& message) : Error(ExitCode::kPointsFailed, message) {}
};

/// How a user's own kernel is named, and what `hotexpert list kernels` says of it.
inline constexpr std::string_view kPluginKernel = "plugin:PATH";
inline constexpr std::string_view kPluginSummary =
    "your own kernel: a shared object behind kernels/plugin/hotexpert_plugin.h, checked and "
    "measured like these";
inline constexpr std::string_view kPluginParameters =
    "what follows PATH: goes to the plugin as it is (plugin:mine.so:tile=64)";

/// True for "plugin:…". (`plugin` alone is taken for one too, and refused when it is read.)
bool is_plugin(std::string_view kernel);

/// Names of a list's kernels and of the plugin, for messages about unknown ones.
std::vector<std::string_view> with_plugin(std::vector<std::string_view> names);

/// The name results show: "plugin:/home/me/mine.so:tile=64" gives "plugin:mine:tile=64". Other
/// kernels' names are returned as they are.
std::string kernel_label(std::string_view kernel);

/// The file's path in "plugin:PATH:OPTIONS". @throws UsageError without one
std::string plugin_path(std::string_view kernel);

/// FNV-1a of 64 bits over a file, "fnv1a64:0123456789abcdef". @throws InputError if unreadable
std::string file_digest(const std::string& path);

/// A loaded plugin with the options of its name. Cheap to copy; the shared object stays in memory
/// until the program ends, since threads that it started may run on.
class ExpertPlugin {
 public:
  /// Loads the shared object of a kernel's name and looks at its table. A file that is not a whole
  /// shared object for this processor is refused before the system's loader sees it.
  /// @throws UsageError for a name without a path; InputError naming the file, what is wrong with
  /// it and what to do
  static ExpertPlugin load(std::string_view kernel);

  [[nodiscard]] const std::string& label() const { return label_; }
  [[nodiscard]] std::string_view summary() const;
  [[nodiscard]] bool has(std::uint32_t flag) const { return (table_->flags & flag) != 0; }

  /// The layer as the plugin sees it, weights aside. It points into this object.
  [[nodiscard]] hotexpert_layer layer(const LayerShape& shape, int num_experts, std::int32_t where,
                                      int threads) const;
  /// nullopt = yes; else why it cannot run this layer there, in the plugin's words.
  /// @throws PluginError when the question itself fails
  [[nodiscard]] std::optional<std::string> unsupported(const hotexpert_layer& layer) const;
  [[nodiscard]] const hotexpert_plugin& table() const { return *table_; }

 private:
  std::string label_;
  std::string options_;
  const hotexpert_plugin* table_ = nullptr;
};

/// What create() made of a layer whose weights are in place.
class PluginState {
 public:
  /// @param layer copied; what it points to must outlive the state   @throws PluginError
  PluginState(ExpertPlugin plugin, const hotexpert_layer& layer);
  ~PluginState();
  PluginState(const PluginState&) = delete;
  PluginState& operator=(const PluginState&) = delete;

  /// @throws PluginError with the plugin's words
  void run(const hotexpert_batch& batch);

 private:
  ExpertPlugin plugin_;
  std::string options_;
  hotexpert_layer layer_;
  void* state_ = nullptr;
};

}  // namespace hotexpert
