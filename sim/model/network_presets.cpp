#include <array>
#include <cmath>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"
#include "sim/model/network_model.hpp"

namespace hotexpert {
namespace {

constexpr double kReached = 0.8;  // of a link's stated rate, by large messages

NetworkDescription from_links(std::string name, std::string source, int ranks_per_node,
                              double intra_bytes_per_s, double inter_bytes_per_s) {
  constexpr double kStart_s = 10e-6;
  constexpr double kMessage_s = 1e-6;
  return {std::move(name),
          std::move(source),
          ranks_per_node,
          kStart_s,
          kMessage_s,
          kReached * intra_bytes_per_s,
          kReached * inter_bytes_per_s};
}

constexpr std::array kPresets = {
    NetworkPresetRow{"nvlink4-ndr", "H100 nodes of 8: NVLink 4, one 400 Gb/s port a GPU",
                     [] {
                       return from_links("nvlink4-ndr",
                                         "NVLink 4: 900 GB/s both ways; InfiniBand NDR 400 Gb/s", 8,
                                         450e9, 50e9);
                     }},
    NetworkPresetRow{"nvlink4-ndr-once",
                     "the same, a token crossing to a node once and passed on there",
                     [] {
                       NetworkDescription network = network_preset("nvlink4-ndr");
                       network.name = "nvlink4-ndr-once";
                       network.token_once_a_node = true;
                       return network;
                     }},
    NetworkPresetRow{"nvlink3-hdr", "A100 nodes of 8: NVLink 3, one 200 Gb/s port a GPU",
                     [] {
                       return from_links("nvlink3-hdr",
                                         "NVLink 3: 600 GB/s both ways; InfiniBand HDR 200 Gb/s", 8,
                                         300e9, 25e9);
                     }},
    NetworkPresetRow{"nvlink5-nvl72", "GB200 NVL72: 72 GPUs in one NVLink 5 domain",
                     [] {
                       return from_links("nvlink5-nvl72",
                                         "NVLink 5: 1.8 TB/s both ways; InfiniBand NDR 400 Gb/s",
                                         72, 900e9, 50e9);
                     }},
    NetworkPresetRow{"pcie4-100gbe", "Nodes of 4: PCIe 4.0 x16, one 100 Gb/s port shared by them",
                     [] {
                       return from_links("pcie4-100gbe",
                                         "PCIe 4.0 x16: 31.5 GB/s; 100 Gb/s Ethernet / 4 ranks", 4,
                                         31.5e9, 3.125e9);
                     }},
};

struct RateKey {
  std::string_view name;
  double NetworkDescription::*member;
};
constexpr std::array kKeys = {
    RateKey{"start_s", &NetworkDescription::start_s},
    RateKey{"message_s", &NetworkDescription::message_s},
    RateKey{"intra_bytes_per_s", &NetworkDescription::intra_bytes_per_s},
    RateKey{"inter_bytes_per_s", &NetworkDescription::inter_bytes_per_s},
};

void require(bool ok, std::string_view origin, std::string_view what) {
  if (!ok) throw InputError(std::string(origin) + ": " + std::string(what));
}

}  // namespace

std::span<const NetworkPresetRow> network_presets() { return kPresets; }

NetworkDescription network_preset(std::string_view name) {
  return find_row(kPresets, "network", name).make();
}

NetworkDescription network_from_json(const Json& json, std::string_view origin) {
  NetworkDescription network;
  network.name = json.at("name").as_string();
  network.ranks_per_node = static_cast<int>(json.at("ranks_per_node").as_integer());
  require(network.ranks_per_node >= 1, origin, "ranks_per_node must be at least 1");
  if (const Json* once = json.find("token_once_a_node"))
    network.token_once_a_node = once->as_bool();
  if (const Json* assumed = json.find("inter_assumed")) network.inter_assumed = assumed->as_bool();
  for (const RateKey& key : kKeys) {
    const double value = json.at(key.name).as_double();
    const bool rate = key.name.ends_with("per_s");
    require(std::isfinite(value) && (rate ? value > 0 : value >= 0), origin,
            std::string(key.name) + (rate ? " must be positive" : " must not be negative"));
    network.*key.member = value;
  }
  for (const auto& [key, value] : json.as_object()) {
    bool known = key == "name" || key == "ranks_per_node" || key == "token_once_a_node" ||
                 key == "inter_assumed";
    for (const RateKey& row : kKeys) known = known || row.name == key;
    if (key == "source") {
      network.source = value.as_string();
    } else {
      require(known, origin, "unknown key '" + key + "'; remove it or correct its spelling");
    }
  }
  return network;
}

Json to_json(const NetworkDescription& network) {
  Json json = Json::object();
  json.set("name", network.name).set("source", network.source);
  json.set("ranks_per_node", network.ranks_per_node);
  json.set("token_once_a_node", network.token_once_a_node);
  json.set("inter_assumed", network.inter_assumed);
  for (const RateKey& key : kKeys) json.set(std::string(key.name), network.*key.member);
  return json;
}

}  // namespace hotexpert
