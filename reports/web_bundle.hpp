#pragma once

#include <string_view>

namespace hotexpert {

/// The parts of the report page that are built from reports/web (see bundle.cmake) and carried by
/// the program.
struct WebBundle {
  std::string_view style_sha256;   ///< hexadecimal, of `style`
  std::string_view script_sha256;  ///< hexadecimal, of `script`
  std::string_view missing;        ///< why there is no script, or empty
  std::string_view style;
  std::string_view script;  ///< the charts; empty in a build without Node
};

extern const WebBundle kWebBundle;

}  // namespace hotexpert
