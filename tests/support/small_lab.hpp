#pragma once

#include <string>
#include <vector>

namespace hotexpert::testing_support {

/// `train` of scenarios/aux-loss.toml with routers that are trained in a moment, and more words.
inline std::vector<std::string> train_small_lab(const std::vector<std::string>& more) {
  std::vector<std::string> args = {"train", "scenarios/aux-loss.toml"};
  for (const char* setting : {"seed=1", "train.experts=8", "train.d_model=16", "train.d_ff=16",
                              "train.tokens=64", "train.sequence_tokens=16", "train.steps=4"}) {
    const std::string text = setting;
    args.push_back("--" + text.substr(0, text.find('=')));
    args.push_back(text.substr(text.find('=') + 1));
  }
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

}  // namespace hotexpert::testing_support
