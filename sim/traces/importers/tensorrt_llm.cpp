#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"
#include "sim/traces/safetensors_file.hpp"

namespace hotexpert::formats {
namespace {

namespace fs = std::filesystem;

struct Key {
  std::int64_t iteration = 0;
  std::int64_t layer = 0;
  bool raw = false;
};

/// "<iteration>_<layer>", with "_raw" behind it for the tokens' own choices.
Key parse_key(std::string_view text, const std::string& where) {
  Key key;
  std::string_view rest = text;
  if (rest.ends_with("_raw")) {
    key.raw = true;
    rest.remove_suffix(4);
  }
  const auto middle = rest.find('_');
  const auto number = [&](std::string_view digits, std::int64_t& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size() && out >= 0;
  };
  if (middle == std::string_view::npos || !number(rest.substr(0, middle), key.iteration) ||
      !number(rest.substr(middle + 1), key.layer)) {
    throw InputError(fmt::format("{}: tensor '{}' is not <iteration>_<layer>", where, text));
  }
  return key;
}

struct Statistics {
  std::map<std::int64_t, std::map<std::int64_t, std::vector<std::int64_t>>> counts;  // iter, layer
  std::map<std::int64_t, std::map<int, std::map<std::int64_t, ArrayView>>>
      raw;  // iter, rank, layer
};

void add_counts(const ArrayView& tensor, std::int64_t experts, const std::string& where,
                std::vector<std::int64_t>& sum) {
  if (!is_integer(tensor.type) || tensor.shape != std::vector<std::int64_t>{experts}) {
    throw InputError(fmt::format("{}: counts are {} {}; integers [{}] are needed", where,
                                 name(tensor.type), shape_text(tensor.shape), experts));
  }
  sum.resize(static_cast<std::size_t>(experts));
  for (std::int64_t e = 0; e < experts; ++e) {
    const auto count = tensor.integer(e);
    if (count < 0) throw InputError(fmt::format("{}: count {} of expert {}", where, count, e));
    sum[static_cast<std::size_t>(e)] += count;
  }
}

Statistics read_ranks(const std::vector<std::string>& files, std::int64_t experts) {
  Statistics out;
  for (std::size_t rank = 0; rank < files.size(); ++rank) {
    const auto file = open_safetensors(files[rank]);
    for (const auto& [label, tensor] : file.tensors) {
      const auto where = fmt::format("{}: tensor '{}'", files[rank], label);
      const Key key = parse_key(label, files[rank]);
      if (!key.raw) {
        add_counts(tensor, experts, where, out.counts[key.iteration][key.layer]);
      } else if (tensor.shape.size() == 2 && is_integer(tensor.type) &&
                 tensor.shape[1] <= experts) {
        out.raw[key.iteration][static_cast<int>(rank)][key.layer] = tensor;
      } else {
        throw InputError(fmt::format("{}: choices are {} {}; integers [tokens, k] are needed",
                                     where, name(tensor.type), shape_text(tensor.shape)));
      }
    }
  }
  return out;
}

/// rank<r>.safetensors of the folder, by rank.
std::vector<std::string> rank_files(const std::string& folder) {
  std::map<std::pair<std::size_t, std::string>, std::string> files;  // shorter names first: 2 < 10
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.rfind("rank", 0) == 0 && entry.path().extension() == ".safetensors") {
      files[{name.size(), name}] = entry.path().string();
    }
  }
  std::vector<std::string> out;
  for (const auto& [name, path] : files) out.push_back(path);
  if (out.empty()) throw InputError(fmt::format("{}: has no rank*.safetensors", folder));
  return out;
}

Recording from_raw(const Statistics& statistics, const std::string& folder) {
  TokenTable table(folder);
  std::vector<std::int32_t> ranks;
  for (const auto& [iteration, by_rank] : statistics.raw) {
    for (const auto& [rank, by_layer] : by_rank) {
      for (const auto& [layer, tensor] : by_layer) {
        const std::int64_t k = tensor.shape[1];
        std::vector<std::int64_t> ids(static_cast<std::size_t>(k));
        for (std::int64_t token = 0; token < tensor.shape[0]; ++token) {
          for (std::int64_t s = 0; s < k; ++s) {
            ids[static_cast<std::size_t>(s)] = tensor.integer(token * k + s);
          }
          table.add(layer, ids, {});
        }
      }
      table.mark_tokens(ranks, rank);
    }
    table.end_step();
  }
  auto out = recording_from_table(table);
  out.arrays->source_rank = std::move(ranks);
  return out;
}

}  // namespace

bool sniff_tensorrt_llm(const ImportSource& source) {
  return !source.file && fs::exists(fs::path(source.path()) / "meta_info.json");
}

/// A folder of TensorRT-LLM's expert statistics: meta_info.json {num_experts,
/// num_experts_per_token, …} and rank<r>.safetensors with int64 counts [E] called
/// "<iteration>_<layer>", summed over ranks; tokens' own choices [tokens, k] are called
/// "<iteration>_<layer>_raw" and are preferred.
Recording read_tensorrt_llm(const ImportSource& source, const ImportOptions&) {
  const auto meta_path = (fs::path(source.path()) / "meta_info.json").string();
  const auto meta_file = MappedFile::open(meta_path);
  const auto bytes = meta_file->bytes();
  const Json meta =
      Json::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, meta_path);
  const auto experts = meta.at("num_experts").as_integer();
  if (experts < 1 || experts > kMaxExperts) {
    throw InputError(
        fmt::format("{}: num_experts = {} is not in 1 to {}", meta_path, experts, kMaxExperts));
  }
  const auto statistics = read_ranks(rank_files(source.path()), experts);
  if (!statistics.raw.empty()) {
    auto out = from_raw(statistics, source.path());
    out.arrays->num_experts = static_cast<int>(experts);
    return out;
  }
  if (statistics.counts.empty())
    throw InputError(fmt::format("{}: holds no counts", source.path()));
  std::set<std::int64_t> layers;
  for (const auto& [iteration, by_layer] : statistics.counts) {
    for (const auto& [layer, counts] : by_layer) layers.insert(layer);
  }
  Recording out;
  out.loads.emplace(static_cast<std::int64_t>(statistics.counts.size()),
                    static_cast<int>(layers.size()), static_cast<int>(experts));
  std::int64_t step = 0;
  std::int64_t absent = 0;
  for (const auto& [iteration, by_layer] : statistics.counts) {
    int row = 0;
    for (const auto layer : layers) {
      const auto counts = by_layer.find(layer);
      absent += counts == by_layer.end();
      if (counts != by_layer.end()) {
        std::copy(counts->second.begin(), counts->second.end(), out.loads->at(step, row).begin());
      }
      ++row;
    }
    ++step;
  }
  out.checks.push_back({"absent_layers", Severity::kWarning, absent, "step-layers",
                        fmt::format("{} (iteration, layer) pairs have no counts.", absent)});
  return out;
}

}  // namespace hotexpert::formats
