#include "scenarios/runner/presets.hpp"

#include <array>

namespace hotexpert {
namespace {

// Each from the model's published config.json on Hugging Face.
constexpr std::array kPresets = {
    PresetRow{"none", "8 experts, top-2, 1024 x 4096: a small layer for a first look", 8, 2, 1024,
              4096, 0, 1},
    PresetRow{"mixtral-8x7b", "mistralai/Mixtral-8x7B-v0.1", 8, 2, 4096, 14336, 0, 32},
    PresetRow{"qwen3-30b-a3b", "Qwen/Qwen3-30B-A3B", 128, 8, 2048, 768, 0, 48},
    PresetRow{"deepseek-v3", "deepseek-ai/DeepSeek-V3: 256 routed experts and a shared one", 256, 8,
              7168, 2048, 1, 58},
    PresetRow{"gpt-oss-20b", "openai/gpt-oss-20b", 32, 4, 2880, 2880, 0, 24},
    PresetRow{"olmoe", "allenai/OLMoE-1B-7B-0924", 64, 8, 2048, 1024, 0, 16},
};

}  // namespace

std::span<const PresetRow> presets() { return kPresets; }

}  // namespace hotexpert
