// An NVTX injection library: writes every range, with its decoded payload, as a line to the file
// that HOTEXPERT_NVTX_RECORD names; "%p" in it is the process. Payloads are decoded by the schema
// the program registered, not by what we know of it.
#include <nvtx3/nvToolsExtPayload.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace {

struct Field {
  std::uint64_t type;
  std::string name;
  std::uint64_t offset;
  std::uint64_t length;
};

std::deque<std::string> strings;  // registered strings; a handle points at one
std::deque<std::string> domains;  // likewise
std::vector<std::vector<Field>> schemas;

std::string file_name() {
  std::string name = std::getenv("HOTEXPERT_NVTX_RECORD");
  const auto process = name.find("%p");
  if (process != std::string::npos) name.replace(process, 2, std::to_string(getpid()));
  return name;
}

std::FILE* output() {
  static std::FILE* file = std::fopen(file_name().c_str(), "w");
  return file;
}

template <class T>
T read_at(const void* base, std::uint64_t offset) {
  T value;
  std::memcpy(&value, static_cast<const char*>(base) + offset, sizeof value);
  return value;
}

void write_field(const Field& field, const void* data) {
  std::fprintf(output(), " %s=", field.name.c_str());
  if (field.type == NVTX_PAYLOAD_ENTRY_TYPE_INT64) {
    std::fprintf(output(), "%lld",
                 static_cast<long long>(read_at<std::int64_t>(data, field.offset)));
  } else if (field.type == NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE) {
    std::fprintf(output(), "%g", read_at<double>(data, field.offset));
  } else if (field.type == NVTX_PAYLOAD_ENTRY_TYPE_CSTRING) {
    std::fprintf(output(), "%.*s", static_cast<int>(field.length),
                 static_cast<const char*>(data) + field.offset);
  } else {
    std::fprintf(output(), "?");
  }
}

nvtxDomainHandle_t on_domain_create(const char* name) {
  domains.emplace_back(name);
  return reinterpret_cast<nvtxDomainHandle_t>(&domains.back());
}

nvtxStringHandle_t on_register_string(nvtxDomainHandle_t, const char* text) {
  strings.emplace_back(text);
  return reinterpret_cast<nvtxStringHandle_t>(&strings.back());
}

int on_push(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* event) {
  std::fprintf(output(), "push %s/%s", reinterpret_cast<const std::string*>(domain)->c_str(),
               event->messageType == NVTX_MESSAGE_TYPE_REGISTERED
                   ? reinterpret_cast<const std::string*>(event->message.registered)->c_str()
                   : "(not registered)");
  if (event->payloadType == NVTX_PAYLOAD_TYPE_EXT) {
    const auto* payload = reinterpret_cast<const nvtxPayloadData_t*>(event->payload.ullValue);
    for (const auto& field : schemas.at(payload->schemaId - 1))
      write_field(field, payload->payload);
  }
  std::fprintf(output(), "\n");
  return 0;
}

int on_pop(nvtxDomainHandle_t domain) {
  std::fprintf(output(), "pop %s\n", reinterpret_cast<const std::string*>(domain)->c_str());
  std::fflush(output());
  return 0;
}

std::uint64_t on_schema(nvtxDomainHandle_t, const nvtxPayloadSchemaAttr_t* schema) {
  std::vector<Field> fields;
  for (std::size_t i = 0; i < schema->numEntries; ++i) {
    const auto& entry = schema->entries[i];
    fields.push_back({entry.type, entry.name, entry.offset, entry.arrayOrUnionDetail});
  }
  schemas.push_back(std::move(fields));
  std::fprintf(output(), "schema %s %zu bytes\n", schema->name, schema->payloadStaticSize);
  return schemas.size();
}

template <class Function>
NvtxFunctionPointer slot(Function function) {
  return reinterpret_cast<NvtxFunctionPointer>(function);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int InitializeInjectionNvtx2(
    NvtxGetExportTableFunc_t get_export_table) {
  const auto* callbacks =
      static_cast<const NvtxExportTableCallbacks*>(get_export_table(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned int size = 0;
  if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size)) return 0;
  *table[NVTX_CBID_CORE2_DomainCreateA] = slot(on_domain_create);
  *table[NVTX_CBID_CORE2_DomainRegisterStringA] = slot(on_register_string);
  *table[NVTX_CBID_CORE2_DomainRangePushEx] = slot(on_push);
  *table[NVTX_CBID_CORE2_DomainRangePop] = slot(on_pop);
  return 1;
}

extern "C" __attribute__((visibility("default"))) int InitializeInjectionNvtxExtension(
    nvtxExtModuleInfo_t* module) {
  if (module->moduleId != NVTX_EXT_PAYLOAD_MODULEID) return 0;
  module->segments->functionSlots[NVTX3EXT_CBID_nvtxPayloadSchemaRegister] =
      reinterpret_cast<std::intptr_t>(on_schema);
  return 1;
}
