#include "tests/reports/hostile_names.hpp"

#include "reports/run_store.hpp"

namespace hotexpert::test_support {

const std::vector<std::string>& hostile_names() {
  using namespace std::string_literals;
  static const std::vector<std::string> names = {
      "</script><script>window.pwned=1</script>",
      "</ScRiPt ><script>window.pwned=1</script>",
      "<!--<script>",
      "--><script>window.pwned=1</script>",
      "<![CDATA[<script>window.pwned=1</script>]]>",
      "<img src=x onerror=window.pwned=1>",
      "<svg/onload=window.pwned=1>",
      "<iframe srcdoc='<script>parent.pwned=1</script>'>",
      "\"><script>window.pwned=1</script>",
      "' onmouseover='window.pwned=1",
      "\" autofocus onfocus=\"window.pwned=1",
      "javascript:window.pwned=1",
      "</style><script>window.pwned=1</script>",
      "</title><script>window.pwned=1</script>",
      "</table></details></section><h1>out</h1>",
      "<base href=//evil.example/>",
      "<meta http-equiv=refresh content='0;url=//evil.example'>",
      "<link rel=stylesheet href=//evil.example/x.css>",
      "&lt;script&gt;window.pwned=1&lt;/script&gt;",
      "&#x3c;script&#x3e;",
      "\\u003cscript\\u003e",
      "\"};window.pwned=1;//",
      "${window.pwned=1}`",
      "{a|b}%s{0}{value}",
      "__proto__",
      "constructor",
      "\u2028window.pwned=1",
      "\u2029window.pwned=1",
      "user\u202Egnp.exe",
      "\u2066isolate\u2069",
      "zero\u200Bwidth\uFEFF",
      "nul\0byte"s,
      "\x1b[31mred\x1b[0m\x1b]0;title\x07",
      "back\x08space\x7f",
      "line\r\nbreak\ttab",
      "=cmd|' /C calc'!A0",
      "+1+cmd",
      "-2+3",
      "@SUM(1,1)",
      "a|b`c`*d*_e_[f](//evil.example)\"g\",h;i\\",
  };
  return names;
}

namespace {

/// What importing a recorded trace found: every text of it hostile.
Json hostile_traces() {
  Json traces = Json::array();
  for (const auto& name : hostile_names()) {
    Json check;
    check.set("check", name).set("severity", name).set("count", 1).set("unit", name);
    Json trace;
    trace.set("file", name).set("importer", name).set("tokens", name).set("layers", 1);
    traces.push(trace.set("experts", 8).set("checks", Json::array().push(check.set("text", name))));
  }
  return traces;
}

}  // namespace

void write_hostile_run(const std::string& dir, std::size_t title) {
  const auto& names = hostile_names();
  Json manifest;
  manifest.set("schema", "hotexpert-run/1").set("title", names[title]).set("created", names[1]);
  manifest.set("traces", hostile_traces());
  Json environment = Json::object();
  for (const auto& name : names) environment.set(name, name);
  Json program;
  manifest.set("program", program.set("version", names[2])).set("environment", environment);
  Json scenario = Json::object();
  for (const auto& name : names) scenario.set(name, Json::array().push(name));
  manifest.set("seed", 1).set("scenario", scenario).set("description", names[3]);
  Json axes = Json::array();
  axes.push(Json::object().set("name", "kernel").set("label", names[8]).set("unit", names[6]));
  for (std::size_t i = 0; i < names.size(); ++i) {
    Json axis;
    axis.set("name", names[i]).set("label", names[(i + 1) % names.size()]);
    axes.push(axis.set("unit", names[(i + 2) % names.size()]));
  }
  auto writer = RunWriter::create(dir, manifest.set("axes", axes));
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (const double skew : {1.0, 3.0}) {
      PointResult result;
      result.point = {{"skew.target", Json(skew)},
                      {"kernel", Json(names[i])},
                      {names[5], Json(names[0])},
                      {"capacity.factor", Json(skew)}};
      // The point's own hostile axis, which no other kernel's points have.
      if (i != 5) result.point.push_back({names[i], Json(names[(i + 3) % names.size()])});
      const double seconds = 0.01 * (static_cast<double>(i) + skew);
      result.measurements = {
          {"load.max_over_mean", skew, Provenance::kCounted, {}, {}, {}},
          {"layer.total_s",
           seconds,
           Provenance::kMeasured,
           {},
           Interval{seconds * 0.99, seconds * 1.01},
           {}},
          {"layer.imbalance_tax",
           skew,
           Provenance::kMeasured,
           {},
           Interval{skew * 0.9, skew * 1.1},
           {}},
          {"layer.expert_ffn_s", seconds / 2, Provenance::kMeasured, {}, {}, {}},
          {"drop.assignment_fraction", 0.3 / skew, Provenance::kCounted, {}, {}, {}},
          {names[i], 1, Provenance::kCounted, {}, {}, {}}};
      result.warnings = {names[i]};
      const auto loads = [&](const std::string& metric) {
        return Series{metric, names[i], Provenance::kCounted, {names[i]}, {3}, {5, 3, skew}, ""};
      };
      result.series = {loads("load.measured_batch"), loads("load.balanced_batch"),
                       loads("load.by_expert"), loads(names[i])};
      writer.append(result);
    }
    PointResult failed;
    failed.point = {{"skew.target", Json(5)}, {"kernel", Json(names[i])}};
    failed.outcome = Outcome::kFailed;
    failed.reason = names[i];
    writer.append(failed);
  }
}

}  // namespace hotexpert::test_support
