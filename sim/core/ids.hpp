#pragma once

#include <cstdint>

namespace hotexpert {

/// An expert of the model, 0 … E-1: what a router chooses.
enum class LogicalExpert : std::int32_t {};
/// A copy of an expert in a slot of a rank, 0 … P-1: what computes. Without replication P = E.
enum class PhysicalExpert : std::int32_t {};
/// An expert-parallel rank, 0 … R-1.
enum class Rank : std::int32_t {};

constexpr std::int32_t index(LogicalExpert id) { return static_cast<std::int32_t>(id); }
constexpr std::int32_t index(PhysicalExpert id) { return static_cast<std::int32_t>(id); }
constexpr std::int32_t index(Rank id) { return static_cast<std::int32_t>(id); }

/// How an expert id is stored in a routing trace: two bytes, -1 = absent.
using StoredExpert = std::int16_t;
inline constexpr StoredExpert kAbsent = -1;
inline constexpr int kMaxExperts = 32767;

}  // namespace hotexpert
