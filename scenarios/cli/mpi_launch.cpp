#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <thread>

#include "scenarios/cli/job_folder.hpp"
#include "scenarios/cli/mpi_jobs.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/output_file.hpp"

extern char** environ;

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

constexpr double kStartLimit_s = 60;  // for mpirun to start and to draw traces
constexpr double kBudgetFactor =
    20;  // a point's time over its budget: samples, warm-up, slow ranks

std::string worker_program() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path worker = self.parent_path() / "hotexpert-ep";
  return !error && fs::exists(worker) ? worker.string() : "";
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto program = fs::path(folder) / name;
    if (::access(program.c_str(), X_OK) == 0) return program.string();
  }
  return "";
}

/// Open MPI refuses root and, without these, spins on cores that others need.
std::vector<std::string> job_environment(bool oversubscribed) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  if (::geteuid() == 0) {
    variables.emplace_back("OMPI_ALLOW_RUN_AS_ROOT=1");
    variables.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
  }
  if (oversubscribed) variables.emplace_back("OMPI_MCA_mpi_yield_when_idle=1");
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Starts a program with its stdout and stderr in `log`.
pid_t start(std::vector<std::string> arguments, std::vector<std::string> environment,
            const std::string& log) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, arguments.front().c_str(), &files, nullptr,
                                  pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    throw DeviceError(
        fmt::format("{} cannot be started: {}", arguments.front(), std::strerror(error)));
  return child;
}

/// The wait status, or nullopt when the time is up or a signal asks to stop.
std::optional<int> wait_for(pid_t child, double limit_s) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit_s);
  while (std::chrono::steady_clock::now() < deadline && caught_signal() == 0) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return std::nullopt;
}

void end(pid_t child) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    ::kill(child, signal);
    for (int i = 0; i < 500; ++i) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) == child) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

/// The line that tells what went wrong: mpirun's about a dead process, else the program's own.
std::string telling_line(const std::string& log) {
  std::istringstream lines(log);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("noticed that process rank") != std::string::npos) {
      std::string next;
      std::getline(lines, next);
      return next.find("exited on signal") == std::string::npos ? line
                                                                : line.append(" ").append(next);
    }
    if (line.rfind("hotexpert-ep: ", 0) == 0) return line.substr(14);
    if (line.find_first_not_of("-= ") != std::string::npos) last = line;
  }
  return last.empty() ? "it said nothing" : last;
}

}  // namespace

void run_processes(int ranks, const std::vector<std::string>& arguments, double limit_s) {
  const std::string worker = worker_program();
  const std::string mpirun = find_program("mpirun");
  if (worker.empty() || mpirun.empty()) {
    throw DeviceError(fmt::format(
        "{}; install libopenmpi-dev and openmpi-bin, and build again",
        mpirun.empty() ? "mpirun is not in PATH"
                       : "hotexpert-ep is not beside hotexpert: it was built without MPI"));
  }
  const bool oversubscribed = ranks > available_threads();
  std::vector<std::string> line = {mpirun, "-n", fmt::format("{}", ranks)};
  if (oversubscribed) line.insert(line.end(), {"--oversubscribe", "--bind-to", "none"});
  line.push_back(worker);
  line.insert(line.end(), arguments.begin(), arguments.end());
  const JobFolder folder;
  const std::string log = folder.file("log");
  const pid_t child = start(std::move(line), job_environment(oversubscribed), log);
  const auto status = wait_for(child, limit_s);
  if (!status) {
    end(child);
    throw DeviceError(caught_signal() != 0
                          ? "the processes were stopped by a signal"
                          : fmt::format("the processes did not end within {}; they were stopped",
                                        duration_text(limit_s)));
  }
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return;
  throw DeviceError(fmt::format("the {} processes ended with {} {}: {}", ranks,
                                WIFEXITED(*status) ? "code" : "signal",
                                WIFEXITED(*status) ? WEXITSTATUS(*status) : WTERMSIG(*status),
                                telling_line(read_whole_file(log))));
}

ProcessRunner process_runner() {
  return [](const PointSpec& spec, PointResult& result) {
    const JobFolder folder;
    Json job = Json::object();
    for (const auto& [axis, value] : spec.choice) job.set(std::string(axis), value);
    write_file(system_files(), folder.file("point.json"), job.dump());
    try {
      run_processes(spec.parallel.ranks,
                    {"--point", folder.file("point.json"), "--result", folder.file("result.json")},
                    kStartLimit_s + kBudgetFactor * spec.measure.budget_s);
      PointResult timed = point_result_from_json(
          Json::parse(read_whole_file(folder.file("result.json")), "result"));
      result.outcome = timed.outcome;
      result.reason = timed.reason;
      const auto append = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
      };
      append(result.measurements, timed.measurements);
      append(result.series, timed.series);
      append(result.warnings, timed.warnings);
    } catch (const DeviceError& error) {
      result.outcome = Outcome::kFailed;
      result.reason = error.what();
    }
  };
}

void join_processes() {
  const auto several = [](const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && std::atoi(value) > 1;
  };
  const bool with_others = several("OMPI_COMM_WORLD_SIZE") ||
                           (std::getenv("PMIX_RANK") != nullptr && several("SLURM_NTASKS"));
  if (!with_others) return;
  std::string worker = worker_program();
  if (worker.empty())
    throw UsageError(
        "this program was started by mpirun or srun, and hotexpert-ep, which runs as one of "
        "several "
        "processes, is not beside it (install libopenmpi-dev and build again)");
  std::istringstream in(read_whole_file("/proc/self/cmdline"));
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(in, argument, '\0');) arguments.push_back(argument);
  arguments.front() = worker;
  ::execv(worker.c_str(), pointers(arguments).data());
  throw DeviceError(fmt::format("{} cannot be started: {}", worker, std::strerror(errno)));
}

}  // namespace hotexpert
