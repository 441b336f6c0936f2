#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "reports/checksum.hpp"
#include "reports/manifest.hpp"
#include "reports/npy.hpp"
#include "reports/run_lines.hpp"
#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kCrcKey = ",\"crc32\":\"";
constexpr std::size_t kCrcFieldLength = kCrcKey.size() + 8 + 2;  // eight digits, a quote, a brace

std::string crc_field(std::string_view body) {
  return fmt::format("{}{:08x}\"}}", kCrcKey, crc32(body));
}

bool is_intact(std::string_view line) {
  if (line.size() <= kCrcFieldLength) return false;
  const auto body = line.substr(0, line.size() - kCrcFieldLength);
  return line.substr(body.size()) == crc_field(body);
}

/// Reads one line into `found`; false if it is damaged.
bool read_line(std::string_view line, const std::string& origin, RunLines& found) {
  if (!is_intact(line)) return false;
  try {
    found.points.push_back(point_result_from_json(Json::parse(line, origin)));
  } catch (const InputError& error) {
    found.warnings.push_back(fmt::format("{}: left out: {}", origin, error.what()));
  }
  return true;
}

/// A damaged line: where the newlines between lines were damaged, those lines are read all the
/// same. (A quote inside a value is escaped, so the checksum's key occurs at the end of a line
/// alone.)
void read_damaged_line(std::string_view line, const std::string& origin, RunLines& found) {
  int read = 0;
  std::size_t begin = 0;
  for (auto key = line.find(kCrcKey); key != line.npos; key = line.find(kCrcKey, key + 1)) {
    const std::size_t end = std::min(key + kCrcFieldLength, line.size());
    read += read_line(line.substr(begin, end - begin), origin, found) ? 1 : 0;
    begin = std::min(end + 1, line.size());
  }
  ++found.damaged_lines;
  found.warnings.push_back(
      read == 0
          ? fmt::format("{}: this line is damaged (its checksum does not fit) and left out; "
                        "--resume runs its point again",
                        origin)
          : fmt::format("{}: this line is damaged; {} {} in it could be read, --resume runs others "
                        "again",
                        origin, read, read == 1 ? "point" : "points"));
}

}  // namespace

std::string checked_line(const Json& object) {
  std::string text = object.dump();
  text.pop_back();
  return text + crc_field(text);
}

RunLines read_run_lines(const std::string& dir) {
  const std::string manifest_path = dir + "/manifest.json";
  if (!std::filesystem::exists(manifest_path)) {
    throw InputError(
        fmt::format("{}: this is not a run folder (it has no manifest.json); `hotexpert sweep "
                    "SCENARIO -o {}` makes one",
                    dir, dir));
  }
  RunLines found;
  found.manifest = Json::parse(read_whole_file(manifest_path), manifest_path);
  validate_manifest(found.manifest, manifest_path);

  const std::string path = dir + "/points.jsonl";
  if (!std::filesystem::exists(path)) return found;
  const std::string text = read_whole_file(path);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string origin = fmt::format("{}:{}", path, found.num_lines + 1);
    if (end == std::string_view::npos) {
      found.warnings.push_back(fmt::format(
          "{}: the last line is cut off (the run was interrupted) and left out; --resume runs its "
          "point again",
          origin));
      break;
    }
    const std::string_view line = rest.substr(0, end);
    if (!read_line(line, origin, found)) read_damaged_line(line, origin, found);
    ++found.num_lines;
    found.whole_bytes += static_cast<off_t>(end + 1);
    rest.remove_prefix(end + 1);
  }
  return found;
}

std::string point_key(const Point& point) {
  std::vector<std::string> parts;
  parts.reserve(point.size());
  for (const auto& [axis, value] : point) parts.push_back(Json(axis).dump() + ":" + value.dump());
  std::sort(parts.begin(), parts.end());
  std::string key;
  for (const auto& part : parts) key += part + ",";
  return key;
}

Run read_run(const std::string& dir) {
  RunLines found = read_run_lines(dir);
  Run run{dir, std::move(found.manifest), {}, std::move(found.warnings), found.damaged_lines};
  std::unordered_map<std::string, std::size_t> position;
  for (auto& point : found.points) {
    const auto [where, is_new] = position.emplace(point_key(point.point), run.points.size());
    if (is_new) {
      run.points.push_back(std::move(point));
    } else {
      run.points[where->second] = std::move(point);
    }
  }
  return run;
}

std::vector<double> series_values(const std::string& dir, const Series& series) {
  if (series.file.empty()) return series.values;
  const auto relative = std::filesystem::path(series.file).lexically_normal();
  if (relative.is_absolute() || relative.begin() == relative.end() || *relative.begin() == "..") {
    throw InputError(fmt::format("{}: the series {} names a file outside the run folder: {}", dir,
                                 series.metric, series.file));
  }
  const std::string path = dir + "/" + relative.string();
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(path, error);
  if (const auto inside = real.lexically_relative(std::filesystem::weakly_canonical(dir, error));
      error || inside.empty() || *inside.begin() == "..") {
    throw InputError(fmt::format("{}: it lies outside the run folder", path));
  }
  NpyArray array = parse_npy(read_whole_file(path), path);
  if (array.shape != series.shape)
    throw InputError(fmt::format("{}: its shape is not the one points.jsonl gives", path));
  return std::move(array.values);
}

}  // namespace hotexpert
