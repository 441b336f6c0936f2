#pragma once

#include <array>
#include <memory>

#include "sim/training/training_task.hpp"

namespace hotexpert::training {

inline constexpr std::array kTextParams = {
    ParamSpec{"context", 4, 1, 64, "bytes before the next one that a token sees"},
    ParamSpec{"held_out", 0.1, 0.01, 0.5, "share of the text, at its end, kept for evaluation"},
};

/// Classes of the newest byte of a token, the ground truth of specialisation: space and control,
/// lower case, upper case, digit, punctuation, above 127.
inline constexpr int kByteClasses = 6;
int byte_class(unsigned char byte);

/// Next-byte prediction on a text file.
///   hidden_t = sum over c < context of embedding[c][byte at t - c], embeddings N(0, 1/context)
///   logits = output U + b over 256 bytes; loss = mean cross-entropy in nats per byte
/// A step's sequences start at random places of the training part.
/// @throws UsageError without a corpus   @throws InputError naming the file if it cannot be read or
/// is shorter than ten sequences.
template <class Scalar>
std::unique_ptr<TrainingTask<Scalar>> make_text_task(const NamedChoice& choice,
                                                     const TrainConfig& config);

}  // namespace hotexpert::training
