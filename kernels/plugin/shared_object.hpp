#pragma once

#include <string>

namespace hotexpert {

/// A symbol of a shared object, or why there is none.
struct FoundSymbol {
  void* address = nullptr;
  std::string reason;  ///< a sentence with the remedy; empty when it was found
};

/// Loads a shared object for good and looks a symbol up. The file is looked at first, because the
/// system's loader maps what the headers promise and dies at a page that a cut-off file lacks.
/// @param path a bare file name is taken from the current folder, not from the library path
FoundSymbol find_symbol(const std::string& path, const char* symbol);

/// What keeps a file from being a whole shared object of this processor; "" when nothing does.
std::string shared_object_fault(const std::string& path);

}  // namespace hotexpert
