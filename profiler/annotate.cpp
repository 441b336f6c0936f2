#include "profiler/annotate.hpp"

#include <nvtx3/nvToolsExtPayload.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string>

namespace hotexpert {
namespace {

constexpr std::size_t kKernelBytes = 48;

/// RangePayload as NVTX tools read it: fixed offsets, the kernel's name inside.
struct WirePayload {
  std::int64_t layer;
  std::int64_t tokens;
  std::int64_t active_experts;
  std::int64_t max_load;
  double capacity_factor;
  char kernel[kKernelBytes];
};

nvtxPayloadSchemaEntry_t entry(std::uint64_t type, const char* field, const char* description,
                               std::size_t offset, std::uint64_t length = 0) {
  nvtxPayloadSchemaEntry_t result{};
  result.type = type;
  result.name = field;
  result.description = description;
  result.offset = offset;
  result.arrayOrUnionDetail = length;
  return result;
}

std::uint64_t register_schema(nvtxDomainHandle_t domain) {
  const std::array entries = {
      entry(NVTX_PAYLOAD_ENTRY_TYPE_INT64, "layer", "layer of the model",
            offsetof(WirePayload, layer)),
      entry(NVTX_PAYLOAD_ENTRY_TYPE_INT64, "tokens", "tokens of the step",
            offsetof(WirePayload, tokens)),
      entry(NVTX_PAYLOAD_ENTRY_TYPE_INT64, "active_experts", "experts with at least one row",
            offsetof(WirePayload, active_experts)),
      entry(NVTX_PAYLOAD_ENTRY_TYPE_INT64, "max_load", "rows of the hottest expert",
            offsetof(WirePayload, max_load)),
      entry(NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE, "capacity_factor", "0 = dropless",
            offsetof(WirePayload, capacity_factor)),
      entry(NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "kernel", "expert kernel",
            offsetof(WirePayload, kernel), kKernelBytes),
  };
  nvtxPayloadSchemaAttr_t schema{};
  schema.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE |
                     NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_FLAGS | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES |
                     NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES |
                     NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE;
  schema.name = "hotexpert.layer";
  schema.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
  schema.flags = NVTX_PAYLOAD_SCHEMA_FLAG_NONE;
  schema.entries = entries.data();
  schema.numEntries = entries.size();
  schema.payloadStaticSize = sizeof(WirePayload);
  return nvtxPayloadSchemaRegister(domain, &schema);
}

/// The domain with its registered strings and schema; made once. Without a listening tool the
/// domain is null.
struct Domain {
  static constexpr std::size_t kNames = static_cast<std::size_t>(RangeName::kAllToAll) + 1;

  nvtxDomainHandle_t handle = nvtxDomainCreateA("hotexpert");
  std::array<nvtxStringHandle_t, kNames> strings{};
  std::uint64_t schema = 0;

  Domain() {
    if (handle == nullptr) return;
    for (std::size_t i = 0; i < kNames; ++i)
      strings[i] =
          nvtxDomainRegisterStringA(handle, std::string(name(static_cast<RangeName>(i))).c_str());
    schema = register_schema(handle);
  }
};

const Domain& domain() {
  static const Domain instance;
  return instance;
}

nvtxEventAttributes_t attributes_of(RangeName range) {
  nvtxEventAttributes_t attributes{};
  attributes.version = NVTX_VERSION;
  attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
  attributes.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
  attributes.message.registered = domain().strings[static_cast<std::size_t>(range)];
  return attributes;
}

WirePayload wire(const RangePayload& payload) {
  WirePayload result{payload.layer,    payload.tokens,          payload.active_experts,
                     payload.max_load, payload.capacity_factor, {}};
  const auto length = std::min(payload.kernel.size(), kKernelBytes - 1);
  std::memcpy(result.kernel, payload.kernel.data(), length);
  return result;
}

}  // namespace

bool annotations_wanted() { return domain().handle != nullptr; }

AnnotatedRange::AnnotatedRange(RangeName range) {
  if (!annotations_wanted()) return;
  const auto attributes = attributes_of(range);
  nvtxDomainRangePushEx(domain().handle, &attributes);
}

AnnotatedRange::AnnotatedRange(RangeName range, const RangePayload& payload) {
  if (!annotations_wanted()) return;
  const auto data = wire(payload);
  const nvtxPayloadData_t extended{domain().schema, sizeof data, &data};
  auto attributes = attributes_of(range);
  attributes.payloadType = NVTX_PAYLOAD_TYPE_EXT;
  attributes.reserved0 = 1;  // one extended payload
  attributes.payload.ullValue = reinterpret_cast<std::uintptr_t>(&extended);
  nvtxDomainRangePushEx(domain().handle, &attributes);
}

AnnotatedRange::~AnnotatedRange() {
  if (annotations_wanted()) nvtxDomainRangePop(domain().handle);
}

}  // namespace hotexpert
