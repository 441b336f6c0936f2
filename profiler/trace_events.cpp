#include "profiler/trace_events.hpp"

#include <algorithm>
#include <tuple>

namespace hotexpert {
namespace {

Json event(const char* phase, int process, std::optional<int> thread, std::string name) {
  Json json;
  json.set("ph", phase);
  json.set("name", std::move(name));
  json.set("pid", process);
  if (thread) json.set("tid", *thread);
  return json;
}

Json name_event(const char* what, int process, std::optional<int> thread, std::string name) {
  Json json = event("M", process, thread, what);
  Json args;
  args.set("name", std::move(name));
  json.set("args", std::move(args));
  return json;
}

/// Whole nanoseconds as microseconds: the nearest double prints with at most three decimals.
double microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1000.0; }

}  // namespace

void TraceEvents::add(std::uint64_t time_ns, std::uint64_t duration_ns, Json json) {
  events_.push_back({time_ns, duration_ns, std::move(json)});
}

void TraceEvents::name_process(int process, std::string name) {
  names_.push_back(name_event("process_name", process, std::nullopt, std::move(name)));
}

void TraceEvents::name_thread(int process, int thread, std::string name) {
  names_.push_back(name_event("thread_name", process, thread, std::move(name)));
}

void TraceEvents::slice(int process, int thread, std::string name, std::string category,
                        std::uint64_t begin_ns, std::uint64_t end_ns, Json details) {
  Json json = event("X", process, thread, std::move(name));
  json.set("cat", std::move(category));
  json.set("dur", microseconds(end_ns - begin_ns));
  if (!details.is_null()) json.set("args", std::move(details));
  add(begin_ns, end_ns - begin_ns, std::move(json));
}

void TraceEvents::counter(int process, std::string name, std::uint64_t time_ns, double value) {
  Json json = event("C", process, std::nullopt, std::move(name));
  Json args;
  args.set("value", value);
  json.set("args", std::move(args));
  add(time_ns, 0, std::move(json));
}

void TraceEvents::flow(std::string name, int from_process, int from_thread, std::uint64_t from_ns,
                       int to_process, int to_thread, std::uint64_t to_ns) {
  const std::int64_t id = ++flows_;
  Json start = event("s", from_process, from_thread, name);
  start.set("cat", "flow").set("id", id);
  add(from_ns, 0, std::move(start));
  Json finish = event("f", to_process, to_thread, std::move(name));
  finish.set("cat", "flow").set("id", id).set("bp", "e");
  add(to_ns, 0, std::move(finish));
}

Json TraceEvents::to_json(Json metadata) const {
  std::vector<const Event*> ordered;
  for (const auto& event : events_) ordered.push_back(&event);
  std::ranges::stable_sort(ordered, [](const Event* a, const Event* b) {
    return std::tuple(a->time_ns, b->duration_ns) < std::tuple(b->time_ns, a->duration_ns);
  });
  const std::uint64_t origin_ns = ordered.empty() ? 0 : ordered.front()->time_ns;
  Json::Array all(names_.begin(), names_.end());
  for (const auto* event : ordered) {
    all.push_back(event->json);
    all.back().set("ts", microseconds(event->time_ns - origin_ns));
  }
  Json document;
  document.set("traceEvents", std::move(all));
  document.set("displayTimeUnit", "ns");
  document.set("otherData", std::move(metadata));
  return document;
}

}  // namespace hotexpert
