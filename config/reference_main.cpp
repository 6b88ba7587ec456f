#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "config/settings.h"

namespace {

bool write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (stream.good()) return true;
  std::fprintf(stderr, "weir-config-reference: cannot write %s\n", file.c_str());
  return false;
}

}  // namespace

// Writes the generated pages into a directory: config/ of the source tree.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: weir-config-reference DIRECTORY\n", stderr);
    return 2;
  }
  const std::filesystem::path directory(argv[1]);
  const bool done = write(directory / "reference.md", weir::config::settings_reference_markdown()) &&
                    write(directory / "weir.schema.json", weir::config::settings_json_schema());
  return done ? 0 : 1;
}
