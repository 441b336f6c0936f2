#pragma once

namespace hotexpert {

/// Watches the machine beside a measurement, for a sample cannot say why it was slow.
class MachineWitness {
 public:
  virtual ~MachineWitness() = default;
  /// Seconds that threads of this process were ready to run and waited for a processor, added up
  /// since each began. Only differences mean something.
  virtual double waited_s() = 0;
  /// Seconds that a fixed piece of work takes now: the same while the clock is.
  virtual double probe_s() = 0;
};

/// Linux: /proc/self/task/*/schedstat (0 where the kernel keeps none), and a chain of dependent
/// multiplications of about 20 us, the shortest of three.
class SystemWitness final : public MachineWitness {
 public:
  double waited_s() override;
  double probe_s() override;
};

}  // namespace hotexpert
