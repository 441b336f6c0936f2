#include "sim/model/network_model.hpp"

namespace hotexpert {

Json to_json(const std::vector<NetworkSample>& samples) {
  Json list = Json::array();
  for (const auto& sample : samples) {
    list.push(Json::object()
                  .set("ranks", sample.traffic.ranks)
                  .set("rows", Json::array_of(sample.traffic.rows))
                  .set("row_bytes", sample.row_bytes)
                  .set("seconds", sample.seconds));
  }
  return list;
}

std::vector<NetworkSample> network_samples_from_json(const Json& json) {
  std::vector<NetworkSample> samples;
  for (const auto& entry : json.as_array()) {
    NetworkSample sample;
    sample.traffic.ranks = static_cast<int>(entry.at("ranks").as_integer());
    for (const auto& rows : entry.at("rows").as_array())
      sample.traffic.rows.push_back(rows.as_integer());
    sample.row_bytes = entry.at("row_bytes").as_double();
    sample.seconds = entry.at("seconds").as_double();
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace hotexpert
