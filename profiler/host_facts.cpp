#include "profiler/host_facts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

/// Instruction sets that decide which oneDNN kernels run.
constexpr std::array<std::string_view, 9> kInstructionSets = {
    "avx2",        "fma",      "avx512f",  "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_bf16", "hypervisor"};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Values of `key` in lines "key : value" or "key=value", in order.
std::vector<std::string> values_of(const std::string& text, std::string_view key, char separator) {
  std::vector<std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(separator);
    if (at != std::string::npos && trimmed(line.substr(0, at)) == key)
      values.push_back(trimmed(line.substr(at + 1)));
  }
  return values;
}

std::optional<std::string> first_value(const std::string& text, std::string_view key,
                                       char separator) {
  const auto values = values_of(text, key, separator);
  return values.empty() ? std::nullopt : std::optional(values.front());
}

std::optional<std::int64_t> leading_integer(const std::string& text) {
  std::int64_t value = 0;
  const auto end = text.data() + text.size();
  return std::from_chars(text.data(), end, value).ec == std::errc{} ? std::optional(value)
                                                                    : std::nullopt;
}

std::string without_quotes(const std::string& text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

Json instruction_sets(const std::string& cpuinfo) {
  std::istringstream words(first_value(cpuinfo, "flags", ':').value_or(""));
  const std::set<std::string> flags(std::istream_iterator<std::string>(words), {});
  Json found = Json::array();
  for (const auto name : kInstructionSets) {
    if (flags.contains(std::string(name))) found.push(name);
  }
  return found;
}

/// Cores that do not share their arithmetic units: distinct (socket, core) pairs.
Json physical_cores(const std::string& cpuinfo) {
  const auto sockets = values_of(cpuinfo, "physical id", ':');
  const auto cores = values_of(cpuinfo, "core id", ':');
  if (sockets.empty() || sockets.size() != cores.size())
    return absent("/proc/cpuinfo does not tell cores from threads");
  std::set<std::pair<std::string, std::string>> distinct;
  for (std::size_t i = 0; i < cores.size(); ++i) distinct.emplace(sockets[i], cores[i]);
  return static_cast<std::int64_t>(distinct.size());
}

Json caches(const fs::path& cpu) {
  Json found = Json::array();
  for (int index = 0; index < 8; ++index) {
    const auto folder = cpu / "cache" / ("index" + std::to_string(index));
    const auto level = read_fact(folder / "level");
    const auto type = read_fact(folder / "type");
    const auto size = read_fact(folder / "size");
    if (!level || !type || !size) break;
    Json cache;
    cache.set("level", leading_integer(*level).value_or(0));
    cache.set("type", *type);
    cache.set("size", *size);
    found.push(std::move(cache));
  }
  return found.as_array().empty() ? absent("the kernel shows no caches") : found;
}

/// Processors' worth of time that the control group may use; cgroup v2 writes "quota period" or
/// "max".
Json processor_quota(const fs::path& root) {
  const auto text = read_fact(root / "sys/fs/cgroup/cpu.max");
  if (!text) return absent("no control group limits are visible");
  std::istringstream words(*text);
  double quota = 0;
  double period = 0;
  if (!(words >> quota >> period) || !(period > 0)) return absent("not limited");
  return quota / period;
}

}  // namespace

Json absent(std::string reason) {
  Json json;
  json.set("absent", std::move(reason));
  return json;
}

std::optional<std::string> read_fact(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  const auto value = trimmed(text.str());
  return value.empty() ? std::nullopt : std::optional(value);
}

Json processor_facts(const fs::path& root) {
  const auto cpuinfo = read_fact(root / "proc/cpuinfo").value_or("");
  const auto cpu = root / "sys/devices/system/cpu/cpu0";
  const auto model = first_value(cpuinfo, "model name", ':');
  const auto governor = read_fact(cpu / "cpufreq/scaling_governor");
  Json facts;
  facts.set("model", model ? Json(*model) : absent("/proc/cpuinfo has no model name"));
  facts.set("cores", physical_cores(cpuinfo));
  facts.set("processors", static_cast<std::int64_t>(std::thread::hardware_concurrency()));
  facts.set("processor_quota", processor_quota(root));
  facts.set("instruction_sets", instruction_sets(cpuinfo));
  facts.set("caches", caches(cpu));
  facts.set("governor",
            governor ? Json(*governor) : absent("the kernel shows no frequency governor"));
  return facts;
}

Json memory_facts(const fs::path& root) {
  const auto meminfo = read_fact(root / "proc/meminfo").value_or("");
  Json facts;
  for (const auto& [name, key] :
       {std::pair{"total_bytes", "MemTotal"}, std::pair{"available_bytes", "MemAvailable"}}) {
    const auto kilobytes = leading_integer(first_value(meminfo, key, ':').value_or(""));
    facts.set(name, kilobytes ? Json(*kilobytes * 1024)
                              : absent(std::string("/proc/meminfo has no ") + key));
  }
  return facts;
}

Json system_facts(const fs::path& root) {
  const auto release =
      first_value(read_fact(root / "etc/os-release").value_or(""), "PRETTY_NAME", '=');
  const auto kernel = read_fact(root / "proc/sys/kernel/osrelease");
  Json facts;
  facts.set("name",
            release ? Json(without_quotes(*release)) : absent("/etc/os-release has no name"));
  facts.set("kernel", kernel ? Json(*kernel) : absent("the kernel shows no release"));
  return facts;
}

Json load_average(const fs::path& root) {
  std::istringstream text(read_fact(root / "proc/loadavg").value_or(""));
  double load = 0;
  return text >> load ? Json(load) : absent("/proc/loadavg cannot be read");
}

Json gpu_facts(const fs::path& root) {
  const auto driver = root / "proc/driver/nvidia";
  const auto version = read_fact(driver / "version");
  if (!version) return absent("no NVIDIA driver is loaded");
  Json facts;
  facts.set("driver", version->substr(0, version->find('\n')));
  std::vector<std::string> models;
  std::error_code error;
  for (const auto& gpu : fs::directory_iterator(driver / "gpus", error)) {
    const auto information = read_fact(gpu.path() / "information").value_or("");
    if (const auto model = first_value(information, "Model", ':')) models.push_back(*model);
  }
  std::sort(models.begin(), models.end());
  facts.set("devices",
            models.empty() ? absent("the driver shows no device") : Json::array_of(models));
  return facts;
}

}  // namespace hotexpert
