#include "scenarios/cli/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cctype>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

namespace po = boost::program_options;

constexpr const char* kPositional = "positional arguments";

/// `--axis -1,0`: Boost takes a value that begins with '-' for an option, so it is joined as
/// `--axis=-1,0`.
std::vector<std::string> join_negative_values(std::span<const std::string> args) {
  std::vector<std::string> joined;
  for (const auto& arg : args) {
    const bool negative = arg.size() > 1 && arg[0] == '-' &&
                          (std::isdigit(static_cast<unsigned char>(arg[1])) != 0 || arg[1] == '.');
    const bool after_option = !joined.empty() && joined.back().rfind("--", 0) == 0 &&
                              joined.back().size() > 2 &&
                              joined.back().find('=') == std::string::npos;
    if (negative && after_option) {
      joined.back() += "=" + arg;
    } else {
      joined.push_back(arg);
    }
  }
  return joined;
}

std::string unknown_option(std::string_view command, const std::string& given,
                           const std::vector<OptionRow>& options) {
  const std::string bare = given.substr(std::min(given.find_first_not_of('-'), given.size()));
  std::vector<std::string_view> known;
  for (const auto& option : options) known.push_back(long_name(option));
  const std::string nearest = nearest_name(bare, known);
  return fmt::format(
      "hotexpert {}: unknown option '{}'{} (hotexpert {} --help lists them)", command, given,
      nearest.empty() ? "" : fmt::format("; did you mean '--{}'?", nearest), command);
}

void check_positional(std::string_view command, const CommandSyntax& syntax,
                      const Arguments& arguments) {
  const auto count = static_cast<int>(arguments.positional.size());
  if (count < syntax.min_positional) {
    throw UsageError(fmt::format("hotexpert {}: {} is missing (hotexpert {} --help)", command,
                                 syntax.positional, command));
  }
  if (syntax.max_positional >= 0 && count > syntax.max_positional) {
    throw UsageError(fmt::format(
        "hotexpert {}: '{}' is one argument too many (hotexpert {} --help)", command,
        arguments.positional[static_cast<std::size_t>(syntax.max_positional)], command));
  }
}

}  // namespace

std::string Arguments::get(std::string_view option, std::string_view fallback) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::string(fallback) : found->second;
}

std::string_view long_name(const OptionRow& option) {
  return option.name.substr(0, option.name.find(','));
}

std::string_view short_name(const OptionRow& option) {
  const auto comma = option.name.find(',');
  return comma == std::string_view::npos ? "" : option.name.substr(comma + 1);
}

std::vector<OptionRow> all_options(const CommandSyntax& syntax) {
  std::vector<OptionRow> all = syntax.options;
  for (const auto& axis : axes()) {
    if (std::count(syntax.axis_scopes.begin(), syntax.axis_scopes.end(), axis.scope) > 0)
      all.push_back({axis.name, "VALUES", axis.help});
  }
  all.push_back({"help,h", "", "print this help"});
  return all;
}

std::vector<OptionRow> table_options() {
  return {{"json", "", "print one JSON object, tables under \"rows\""},
          {"csv", "", "print the table as CSV"},
          {"md", "", "print the table as Markdown"}};
}

Arguments parse_arguments(std::string_view command, const CommandSyntax& syntax,
                          std::span<const std::string> args) {
  const auto options = all_options(syntax);
  po::options_description description;
  for (const auto& option : options) {
    const std::string name(option.name);
    if (option.placeholder.empty()) {
      description.add_options()(name.c_str(), "");
    } else {
      description.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
  description.add_options()(kPositional, po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add(kPositional, -1);

  po::variables_map map;
  try {
    using style = po::command_line_style::style_t;
    po::store(po::command_line_parser(join_negative_values(args))
                  .options(description)
                  .positional(positional)
                  .style(style::unix_style & ~style::allow_guessing)
                  .run(),
              map);
  } catch (const po::unknown_option& error) {
    throw UsageError(unknown_option(command, error.get_option_name(), options));
  } catch (const po::multiple_occurrences& error) {
    throw UsageError(
        fmt::format("hotexpert {}: {} is given twice (write its values as one list: 1,2,4)",
                    command, error.get_option_name()));
  } catch (const po::error_with_option_name& error) {
    throw UsageError(fmt::format("hotexpert {}: {} needs a value (hotexpert {} --help)", command,
                                 error.get_option_name(), command));
  } catch (const po::error& error) {
    throw UsageError(
        fmt::format("hotexpert {}: {} (hotexpert {} --help)", command, error.what(), command));
  }

  Arguments arguments;
  for (const auto& [name, value] : map) {
    if (name == kPositional) {
      arguments.positional = value.as<std::vector<std::string>>();
    } else {
      const auto* text = boost::any_cast<std::string>(&value.value());
      arguments.set(name, text == nullptr ? "" : *text);
    }
  }
  if (!arguments.has("help")) check_positional(command, syntax, arguments);
  return arguments;
}

namespace {

constexpr std::size_t kHelpColumns = 100;
constexpr std::size_t kHelpIndent = 36;  // where what an option does begins
const std::string kNextLine = "\n" + std::string(kHelpIndent, ' ');

/// Broken at blanks into lines that end by kHelpColumns, all but the first indented.
std::string wrapped(std::string_view text) {
  std::string out;
  for (constexpr std::size_t kWidth = kHelpColumns - kHelpIndent; text.size() > kWidth;) {
    std::size_t blank = text.rfind(' ', kWidth);
    if (blank == std::string_view::npos) blank = text.find(' ');
    if (blank == std::string_view::npos) break;
    out += fmt::format("{}{}", text.substr(0, blank), kNextLine);
    text.remove_prefix(blank + 1);
  }
  return out.append(text);
}

/// "; a, b or c" of "a|b|c"; nothing where the help names them all.
std::string words_not_in(std::string_view help, std::string_view words) {
  std::string out;
  bool named = true;
  for (std::size_t begin = 0; begin < words.size();) {
    const std::size_t end = std::min(words.find('|', begin), words.size());
    const auto word = words.substr(begin, end - begin);
    named = named && help.find(word) != std::string_view::npos;
    out += fmt::format("{}{}", begin == 0 ? "; " : end == words.size() ? " or " : ", ", word);
    begin = end + 1;
  }
  return named ? "" : out;
}

}  // namespace

std::vector<ArgumentRow> argument_rows(std::span<const ActionRow> actions) {
  std::vector<ArgumentRow> rows;
  for (const auto& action : actions) rows.push_back({action.form, action.summary});
  return rows;
}

std::string axis_help(const AxisRow& axis) {
  const auto words = axis.kind == AxisKind::kWord ? axis.words : std::string_view();
  const bool has_unit = !axis.unit.empty() && axis.unit != "count" &&
                        std::isdigit(static_cast<unsigned char>(axis.default_value.front())) != 0;
  return fmt::format("{}{} [{}{}{}]", axis.help, words_not_in(axis.help, words), axis.default_value,
                     has_unit ? " " : "", has_unit ? axis.unit : "");
}

std::string help_text(std::string_view command, std::string_view summary,
                      const CommandSyntax& syntax) {
  std::string text =
      fmt::format("hotexpert {}: {}\n\nUsage: hotexpert {} {}[OPTIONS]\n\n", command, summary,
                  command, syntax.positional.empty() ? "" : fmt::format("{} ", syntax.positional));
  if (!syntax.arguments.empty()) text += "Arguments:\n";
  for (const auto& argument : syntax.arguments)
    text += fmt::format("  {:<34}{}{}\n", argument.form,
                        argument.form.size() >= 34 ? kNextLine : "", wrapped(argument.help));
  text += syntax.arguments.empty() ? "Options:\n" : "\nOptions:\n";
  const auto row = [&](const OptionRow& option) {
    const auto letter = short_name(option);
    const std::string flag =
        fmt::format("{}--{}{}{}", letter.empty() ? "    " : fmt::format("-{}, ", letter),
                    long_name(option), option.placeholder.empty() ? "" : " ", option.placeholder);
    text += fmt::format("  {:<34}{}{}\n", flag, flag.size() >= 34 ? kNextLine : "",
                        wrapped(option.help));
  };
  for (const auto& option : syntax.options) row(option);
  row({"help,h", "", "print this help"});
  if (syntax.axis_scopes.empty()) return text;
  text +=
      "\nAxes (a value, a list 1,2,4, a range 0:2:0.5 or powers 2^4:2^10; also keys of the "
      "scenario file):\n";
  for (const auto& axis : axes()) {
    if (std::count(syntax.axis_scopes.begin(), syntax.axis_scopes.end(), axis.scope) == 0) continue;
    row({axis.name, "VALUES", axis_help(axis)});
  }
  return text;
}

}  // namespace hotexpert
