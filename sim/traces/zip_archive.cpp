#include "sim/traces/zip_archive.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <new>

#include "sim/base/errors.hpp"
#include "sim/base/output_file.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kHarmlessBytes = 64U << 20;
constexpr std::uint64_t kMostCompression = 50;

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;

Archive open_archive(const std::string& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw InputError(fmt::format("{}: is no readable zip archive ({})", path, reason));
}

struct FreeSource {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Source = std::unique_ptr<zip_source_t, FreeSource>;

/// All bytes of a closed archive.
std::string bytes_of(zip_source_t* source) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  std::string bytes;
  if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0) throw std::bad_alloc();
  bytes.resize(stat.size);
  const auto got = zip_source_read(source, bytes.data(), stat.size);
  zip_source_close(source);
  if (got != static_cast<std::int64_t>(stat.size)) throw std::bad_alloc();
  return bytes;
}

std::shared_ptr<const std::vector<std::byte>> read_member(zip_t* archive, const zip_stat_t& stat,
                                                          const std::string& path) {
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(stat.size));
  zip_file_t* const member = zip_fopen_index(archive, stat.index, 0);
  std::int64_t got = -1;
  if (member != nullptr) {
    got = zip_fread(member, bytes->data(), stat.size);
    std::byte beyond{};
    if (got == static_cast<std::int64_t>(stat.size) && zip_fread(member, &beyond, 1) > 0) got = -1;
    zip_fclose(member);
  }
  if (got != static_cast<std::int64_t>(stat.size)) {
    throw InputError(fmt::format("{}: member '{}' is damaged", path, stat.name));
  }
  return bytes;
}

}  // namespace

ZipMembers read_zip(const std::string& path) {
  const Archive archive = open_archive(path);
  const auto count = static_cast<zip_uint64_t>(zip_get_num_entries(archive.get(), 0));
  const std::uint64_t allowed =
      std::max(kHarmlessBytes, kMostCompression * std::filesystem::file_size(path));
  // All sizes are judged before any member is read.
  std::vector<zip_stat_t> stats(count);
  std::uint64_t claimed = 0;
  for (zip_uint64_t i = 0; i < count; ++i) {
    if (zip_stat_index(archive.get(), i, 0, &stats[i]) != 0 ||
        (stats[i].valid & ZIP_STAT_SIZE) == 0 || (stats[i].valid & ZIP_STAT_NAME) == 0) {
      throw InputError(fmt::format("{}: member {} is damaged", path, i));
    }
    const std::string_view name = stats[i].name;
    if (name.find('/') != std::string_view::npos || name.find('\\') != std::string_view::npos) {
      throw InputError(fmt::format("{}: member '{}' names a folder; an .npz has none", path, name));
    }
    if (stats[i].size > allowed || claimed + stats[i].size > allowed) {
      throw InputError(fmt::format(
          "{}: its members claim more than {} bytes, over {} times the archive: a zip bomb?", path,
          allowed, kMostCompression));
    }
    claimed += stats[i].size;
  }
  ZipMembers members;
  for (const auto& stat : stats) {
    const bool fresh = members.emplace(stat.name, read_member(archive.get(), stat, path)).second;
    if (!fresh) throw InputError(fmt::format("{}: member '{}' occurs twice", path, stat.name));
  }
  return members;
}

void write_zip(const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& members) {
  // Put together in memory, so that the file is written as every other one is: whole, or not.
  const Source whole(zip_source_buffer_create(nullptr, 0, 0, nullptr));
  Archive archive(whole ? zip_open_from_source(whole.get(), ZIP_TRUNCATE, nullptr) : nullptr);
  if (!archive) throw std::bad_alloc();
  zip_source_keep(whole.get());  // the archive frees one
  for (const auto& [name, bytes] : members) {
    zip_source_t* const source = zip_source_buffer(archive.get(), bytes.data(), bytes.size(), 0);
    const auto index = source == nullptr
                           ? -1
                           : zip_file_add(archive.get(), name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      if (source != nullptr) zip_source_free(source);
      throw OutputError(fmt::format("{}: {}", path, zip_strerror(archive.get())));
    }
    const auto member = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t kDosDate1980 = 0x21;
    zip_set_file_compression(archive.get(), member, ZIP_CM_STORE, 0);
    zip_file_set_dostime(archive.get(), member, 0, kDosDate1980, 0);
  }
  if (zip_close(archive.get()) != 0) {
    throw OutputError(fmt::format("{}: {}", path, zip_strerror(archive.get())));
  }
  static_cast<void>(archive.release());  // zip_close freed it
  write_file(system_files(), path, bytes_of(whole.get()));
}

}  // namespace hotexpert
