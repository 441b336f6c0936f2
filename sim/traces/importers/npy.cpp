#include "sim/traces/importers/axes.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/npy_file.hpp"

namespace hotexpert::formats {

bool sniff_npy(const ImportSource& source) { return looks_like_npy(source.bytes()); }

Recording read_npy(const ImportSource& source, const ImportOptions& options) {
  if (options.axes.empty()) {
    Recording out;
    out.arrays = npy_arrays(source.file, options.weights_file);
    return out;
  }
  auto out = recording_from_array(parse_npy(source.bytes(), source.file, source.path()), options,
                                  source.path());
  if (out.arrays && !options.weights_file.empty() && options.weights_file != "none") {
    out.arrays->weights =
        token_layer_slot(open_npy(options.weights_file), options.axes, options.weights_file);
  }
  return out;
}

}  // namespace hotexpert::formats
