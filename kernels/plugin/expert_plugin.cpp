#include "kernels/plugin/expert_plugin.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "kernels/plugin/shared_object.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kPrefix = "plugin:";

/// "PATH:OPTIONS" of a name, cut at the first ':' behind the path.
struct NameParts {
  std::string path;
  std::string options;
};

NameParts parts_of(std::string_view kernel) {
  kernel.remove_prefix(std::min(kernel.size(), kPrefix.size()));
  const auto end = kernel.find(':');
  return {std::string(kernel.substr(0, end)),
          std::string(end == std::string_view::npos ? "" : kernel.substr(end + 1))};
}

/// Calls a function of the plugin. @return its sentence, nullopt when it succeeded
template <class Call>
std::optional<std::string> complaint_of(const Call& call) {
  try {
    const char* complaint = call();
    if (complaint == nullptr) return std::nullopt;
    return *complaint == '\0' ? "it gave no reason" : std::string(complaint);
  } catch (const std::exception& thrown) {
    return fmt::format("it threw '{}' through its C interface", thrown.what());
  } catch (...) {
    return "it threw an exception through its C interface";
  }
}

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw InputError(fmt::format("plugin '{}': {}", path, why));
}

void check_table(const std::string& path, const hotexpert_plugin* table) {
  if (table == nullptr) refuse(path, "hotexpert_plugin_entry() returned no table");
  if (table->abi != HOTEXPERT_PLUGIN_ABI) {
    refuse(path, fmt::format("it was built for plugin ABI {}, and this program speaks {}; build it "
                             "again with this program's hotexpert_plugin.h",
                             table->abi, HOTEXPERT_PLUGIN_ABI));
  }
  if (table->run == nullptr) refuse(path, "its table has no run()");
  if ((table->runs_on & (HOTEXPERT_ON_HOST | HOTEXPERT_ON_CUDA)) == 0)
    refuse(path, "its table names neither HOTEXPERT_ON_HOST nor HOTEXPERT_ON_CUDA in runs_on");
}

std::int32_t activation_of(Activation activation) {
  switch (activation) {
    case Activation::kSwiglu:
      return HOTEXPERT_SWIGLU;
    case Activation::kGelu:
      return HOTEXPERT_GELU;
    case Activation::kRelu:
      break;
  }
  return HOTEXPERT_RELU;
}

}  // namespace

bool is_plugin(std::string_view kernel) {
  return kernel.starts_with(kPrefix) || kernel == kPrefix.substr(0, kPrefix.size() - 1);
}

std::vector<std::string_view> with_plugin(std::vector<std::string_view> names) {
  names.push_back(kPluginKernel);
  return names;
}

std::string plugin_path(std::string_view kernel) {
  auto path = parts_of(kernel).path;
  if (path.empty())
    throw UsageError(fmt::format("kernel '{}' names no file; write {}", kernel, kPluginKernel));
  return path;
}

std::string kernel_label(std::string_view kernel) {
  if (!is_plugin(kernel)) return std::string(kernel);
  const auto [path, options] = parts_of(kernel);
  return fmt::format("{}{}{}{}", kPrefix, std::filesystem::path(path).stem().string(),
                     options.empty() ? "" : ":", options);
}

std::string file_digest(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  std::array<char, 1 << 14> piece{};
  while (in.read(piece.data(), piece.size()), in.gcount() > 0) {
    for (std::streamsize i = 0; i < in.gcount(); ++i) {
      hash = (hash ^ static_cast<unsigned char>(piece[static_cast<std::size_t>(i)])) *
             0x100000001b3ULL;
    }
  }
  if (!in.eof()) refuse(path, "the file cannot be read");
  return fmt::format("fnv1a64:{:016x}", hash);
}

ExpertPlugin ExpertPlugin::load(std::string_view kernel) {
  const std::string path = plugin_path(kernel);
  constexpr const char* kEntry = "hotexpert_plugin_entry";
  const auto found = find_symbol(path, kEntry);
  if (!found.reason.empty()) refuse(path, found.reason);
  ExpertPlugin plugin;
  plugin.label_ = kernel_label(kernel);
  plugin.options_ = parts_of(kernel).options;
  plugin.table_ = reinterpret_cast<decltype(&hotexpert_plugin_entry)>(found.address)();
  check_table(path, plugin.table_);
  return plugin;
}

std::string_view ExpertPlugin::summary() const {
  return table_->summary == nullptr ? "" : table_->summary;
}

hotexpert_layer ExpertPlugin::layer(const LayerShape& shape, int num_experts, std::int32_t where,
                                    int threads) const {
  hotexpert_layer layer{};
  layer.struct_bytes = sizeof(layer);
  layer.where = where;
  layer.dtype = shape.dtype == DataType::kFp32 ? HOTEXPERT_FP32 : HOTEXPERT_BF16;
  layer.activation = activation_of(shape.activation);
  layer.num_experts = num_experts;
  layer.threads = threads;
  layer.d_model = shape.d_model;
  layer.d_ff = shape.d_ff;
  layer.in_columns = (matrices_per_expert(shape.activation) - 1) * shape.d_ff;
  layer.options = options_.c_str();
  return layer;
}

std::optional<std::string> ExpertPlugin::unsupported(const hotexpert_layer& layer) const {
  if ((table_->runs_on & static_cast<std::uint32_t>(layer.where)) == 0) {
    return layer.where == HOTEXPERT_ON_HOST
               ? fmt::format("'{}' runs on CUDA devices only; use --backend cuda", label_)
               : fmt::format("'{}' runs on the host only; use --backend cpu", label_);
  }
  if (table_->supports == nullptr) return std::nullopt;
  const auto reason = complaint_of([&] { return table_->supports(&layer); });
  if (!reason) return std::nullopt;
  return fmt::format("'{}': {}", label_, *reason);
}

PluginState::PluginState(ExpertPlugin plugin, const hotexpert_layer& layer)
    : plugin_(std::move(plugin)), options_(layer.options), layer_(layer) {
  layer_.options = options_.c_str();
  const auto& table = plugin_.table();
  if (table.create == nullptr) return;
  if (const auto reason = complaint_of([&] { return table.create(&layer_, &state_); }))
    throw PluginError(fmt::format("'{}' could not be made: {}", plugin_.label(), *reason));
}

PluginState::~PluginState() {
  if (plugin_.table().destroy != nullptr && state_ != nullptr) plugin_.table().destroy(state_);
}

void PluginState::run(const hotexpert_batch& batch) {
  if (const auto reason =
          complaint_of([&] { return plugin_.table().run(state_, &layer_, &batch); }))
    throw PluginError(fmt::format("'{}' failed: {}", plugin_.label(), *reason));
}

}  // namespace hotexpert
