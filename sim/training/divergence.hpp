#pragma once

#include <stdexcept>

namespace hotexpert::training {

/// Training left the finite numbers. The trainer turns it into a failed run with step and cause.
class Divergence : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace hotexpert::training
