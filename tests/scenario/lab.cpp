#include "tests/scenario/lab.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::scenario {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "weir-scenario-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path program(std::string_view name) {
  const char* directory = std::getenv("WEIR_PROGRAMS");
  const std::filesystem::path beside = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return (directory != nullptr ? std::filesystem::path(directory) : beside) / name;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
}

Child::Child(const std::vector<std::string>& command, const std::filesystem::path& out,
             const std::filesystem::path& err) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ > 0) return;
  constexpr int kMode = 0600;
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, kMode), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, kMode), STDERR_FILENO);
  ::execv(arguments[0], arguments.data());
  constexpr int kNotStarted = 127;
  ::_exit(kNotStarted);
}

Child::~Child() {
  if (status_ >= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

bool Child::running() {
  if (status_ >= 0) return false;
  int raw = 0;
  if (::waitpid(pid_, &raw, WNOHANG) == 0) return true;
  status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  return false;
}

void Child::terminate() const { ::kill(pid_, SIGTERM); }

int Child::wait() {
  if (status_ < 0) {
    int raw = 0;
    ::waitpid(pid_, &raw, 0);
    status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }
  return status_;
}

Finished run_replay(const std::vector<std::string>& arguments, const TemporaryDirectory& directory) {
  std::vector<std::string> command{program("weir-replay").string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Child child(command, directory / "stdout", directory / "stderr");
  const int status = child.wait();
  return {.status = status, .out = read_text(directory / "stdout"), .err = read_text(directory / "stderr")};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace weir::scenario
