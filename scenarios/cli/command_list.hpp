#pragma once

#include "scenarios/cli/arguments.hpp"

// The entry points of the commands, one file each. commands.cpp puts them in a list.
namespace hotexpert {

CommandSyntax calibrate_syntax();
int calibrate_run(const Arguments& arguments);

CommandSyntax compare_syntax();
int compare_run(const Arguments& arguments);

CommandSyntax completion_syntax();
int completion_run(const Arguments& arguments);

CommandSyntax doctor_syntax();
int doctor_run(const Arguments& arguments);

CommandSyntax drops_syntax();
int drops_run(const Arguments& arguments);

CommandSyntax list_syntax();
int list_run(const Arguments& arguments);

CommandSyntax manual_syntax();
int manual_run(const Arguments& arguments);

CommandSyntax merge_syntax();
int merge_run(const Arguments& arguments);

CommandSyntax model_syntax();
int model_run(const Arguments& arguments);

CommandSyntax place_syntax();
int place_run(const Arguments& arguments);

CommandSyntax plan_syntax();
int plan_run(const Arguments& arguments);

CommandSyntax profile_syntax();
int profile_run(const Arguments& arguments);

CommandSyntax report_syntax();
int report_run(const Arguments& arguments);

CommandSyntax selftest_syntax();
int selftest_run(const Arguments& arguments);

CommandSyntax sweep_syntax();
int sweep_run(const Arguments& arguments);

CommandSyntax trace_syntax();
int trace_run(const Arguments& arguments);

CommandSyntax train_syntax();
int train_run(const Arguments& arguments);

}  // namespace hotexpert
