#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace weir::scenario {

/// A directory that is removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The path of a program of the build: in WEIR_PROGRAMS, else in the test's own directory.
std::filesystem::path program(std::string_view name);

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, std::string_view text);

/// A child process with its output in two files. If it still runs, the destructor kills it.
class Child {
 public:
  Child(const std::vector<std::string>& command, const std::filesystem::path& out,
        const std::filesystem::path& err);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] bool running();
  void terminate() const;
  /// The exit status; after a signal, 128 plus its number.
  int wait();

 private:
  pid_t pid_ = -1;
  int status_ = -1;
};

struct Finished {
  int status = -1;
  std::string out;
  std::string err;
};

/// Runs weir-replay until it ends.
Finished run_replay(const std::vector<std::string>& arguments, const TemporaryDirectory& directory);

std::vector<std::string> lines_of(const std::string& text);

}  // namespace weir::scenario
