#include "kernels/plugin/expert_plugin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/plugin/shared_object.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;

std::string built(const std::string& name) {
  return std::string(HOTEXPERT_BINARY_DIR) + "/plugins/" + name + ".so";
}

std::string refusal_of(const std::string& path) {
  try {
    (void)ExpertPlugin::load("plugin:" + path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "it was loaded";
}

std::vector<char> bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string write_bytes(const std::string& name, const std::vector<char>& bytes) {
  const auto path = (std::filesystem::temp_directory_path() / name).string();
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
  return path;
}

TEST(ExpertPluginTest, ANameHoldsAPathAndOptionsAndShowsTheFilesStem) {
  EXPECT_TRUE(is_plugin("plugin:mine.so"));
  EXPECT_TRUE(is_plugin("plugin"));
  EXPECT_FALSE(is_plugin("plugins:mine.so"));
  EXPECT_FALSE(is_plugin("grouped"));
  EXPECT_EQ(plugin_path("plugin:/home/me/mine.so:tile=64:stages=3"), "/home/me/mine.so");
  EXPECT_EQ(kernel_label("plugin:/home/me/mine.v2.so:tile=64"), "plugin:mine.v2:tile=64");
  EXPECT_EQ(kernel_label("plugin:mine.so"), "plugin:mine");
  EXPECT_EQ(kernel_label("grouped:tile_rows=64"), "grouped:tile_rows=64");
  EXPECT_THROW((void)plugin_path("plugin"), UsageError);
  EXPECT_THROW((void)ExpertPlugin::load("plugin:"), UsageError);
}

TEST(ExpertPluginTest, TheDigestIsThatOfTheBytes) {
  EXPECT_EQ(file_digest(write_bytes("empty.so", {})), "fnv1a64:cbf29ce484222325");
  EXPECT_EQ(file_digest(write_bytes("a.so", {'a'})), "fnv1a64:af63dc4c8601ec8c");
  EXPECT_THROW((void)file_digest("/nowhere/mine.so"), InputError);
}

TEST(ExpertPluginTest, AFileThatIsNoPluginIsRefusedWithTheReason) {
  EXPECT_THAT(refusal_of("/nowhere/mine.so"), HasSubstr("there is no such file"));
  EXPECT_THAT(refusal_of(std::filesystem::temp_directory_path().string()),
              HasSubstr("it is no file"));
  EXPECT_THAT(refusal_of(write_bytes("text.so", {'#', '!', '\n'})),
              HasSubstr("it is no shared object; build it with"));
  EXPECT_THAT(refusal_of("/proc/self/exe:nothing"), testing::Not(HasSubstr("it was loaded")));
  auto other = bytes_of(built("faulty"));
  other[18] = static_cast<char>(other[18] + 1);  // e_machine
  EXPECT_THAT(refusal_of(write_bytes("other.so", other)), HasSubstr("for another processor"));
}

TEST(ExpertPluginTest, ATableThatCannotServeIsRefusedWithTheReason) {
  EXPECT_THAT(refusal_of(built("wrong_abi")),
              HasSubstr("built for plugin ABI 7, and this program speaks 2"));
  EXPECT_THAT(refusal_of(built("no_entry")), HasSubstr("does not export hotexpert_plugin_entry()"));
  EXPECT_THAT(refusal_of(built("no_table")), HasSubstr("returned no table"));
  EXPECT_THAT(refusal_of(built("no_run")), HasSubstr("has no run()"));
  EXPECT_THAT(refusal_of(built("nowhere")), HasSubstr("names neither HOTEXPERT_ON_HOST"));
}

/// The system's loader dies at a page that a cut-off file lacks: it must never be asked.
TEST(ExpertPluginTest, AFileCutOffAnywhereIsRefused) {
  const auto whole = bytes_of(built("faulty"));
  ASSERT_GT(whole.size(), 8000U);
  std::size_t loaded_end = 0;  // bytes behind the last segment (symbols) may be missing
  for (std::size_t keep = 0; keep < whole.size(); keep += keep < 4096 ? 97 : 1501) {
    const auto path =
        write_bytes("cut.so", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(keep)});
    if (shared_object_fault(path).empty()) {
      loaded_end = keep;
      break;
    }
    EXPECT_NE(refusal_of(path), "it was loaded") << keep << " bytes";
  }
  EXPECT_TRUE(loaded_end == 0 || loaded_end > whole.size() / 2) << loaded_end;
}

TEST(ExpertPluginTest, TheExampleIsShortEnoughToCopy) {
  std::ifstream in(HOTEXPERT_SOURCE_DIR "/kernels/plugin/example/expert_loop.c");
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) EXPECT_LE(line.size(), 100U);
  EXPECT_GT(lines, 20);
  EXPECT_LE(lines, 50);
}

TEST(ExpertPluginTest, WhatAPluginCannotRunIsUnsupportedInItsWords) {
  LayerShape shape;
  shape.dtype = DataType::kBf16;
  EXPECT_EQ(cpu_kernel_unsupported(shape, "plugin:" + built("expert_loop"), 8, 1),
            "'plugin:expert_loop': it computes fp32 only; set layer.dtype = fp32");
  shape.dtype = DataType::kFp32;
  EXPECT_FALSE(cpu_kernel_unsupported(shape, "plugin:" + built("expert_loop"), 8, 1));
  EXPECT_EQ(cpu_kernel_unsupported(shape, "plugin:" + built("device_only"), 8, 1),
            "'plugin:device_only' runs on CUDA devices only; use --backend cuda");
  EXPECT_EQ(cpu_kernel_unsupported(shape, "plugin:" + built("faulty") + ":tile=64", 8, 1),
            "'plugin:faulty:tile=64': it has no option 'tile=64'");
}

TEST(ExpertPluginTest, AnUnknownKernelsMessageNamesThePluginToo) {
  try {
    (void)make_cpu_kernel(LayerShape(), "gruped", 8, 1);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'grouped'?"));
    EXPECT_THAT(error.what(), HasSubstr("plugin:PATH"));
  }
}

TEST(ExpertPluginTest, TheLayerSaysWhatTheHeaderSays) {
  const auto plugin = ExpertPlugin::load("plugin:" + built("expert_loop") + ":tile=8");
  LayerShape shape;
  shape.d_model = 96;
  shape.d_ff = 40;
  const auto layer = plugin.layer(shape, 9, HOTEXPERT_ON_HOST, 2);
  EXPECT_EQ(layer.struct_bytes, sizeof(hotexpert_layer));
  EXPECT_EQ(layer.num_experts, 9);
  EXPECT_EQ(layer.in_columns, 80);
  EXPECT_STREQ(layer.options, "tile=8");
  shape.activation = Activation::kRelu;
  EXPECT_EQ(plugin.layer(shape, 9, HOTEXPERT_ON_HOST, 2).in_columns, 40);
  EXPECT_EQ(plugin.summary(), "one expert after another");
}

}  // namespace
}  // namespace hotexpert
