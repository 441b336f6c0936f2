#pragma once

#include "scenarios/cli/arguments.hpp"

namespace hotexpert {

// The actions of `hotexpert trace`, one file each; trace.cpp puts them in a list.
int trace_info(const Arguments& arguments);
int trace_import(const Arguments& arguments);
int trace_export(const Arguments& arguments);
int trace_gen(const Arguments& arguments);
int trace_anatomy(const Arguments& arguments);
int trace_twin(const Arguments& arguments);

}  // namespace hotexpert
