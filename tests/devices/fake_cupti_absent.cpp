// Without CUPTI's headers there is no fake of it; the product was built without it, too.

#include "tests/devices/fake_libraries.hpp"

namespace hotexpert::test {

void* cupti_function(std::string_view) { return nullptr; }

}  // namespace hotexpert::test
