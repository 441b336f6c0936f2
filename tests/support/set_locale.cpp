// Preloaded into a program, sets its locale from the environment before main(), as some library
// might.
#include <clocale>

namespace {

struct SetLocale {
  SetLocale() { (void)std::setlocale(LC_ALL, ""); }
};
const SetLocale g_set_locale;

}  // namespace
