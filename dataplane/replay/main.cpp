#include <exception>
#include <iostream>

#include "dataplane/replay/program.h"

int main(int argc, char** argv) {
  try {
    std::ios::sync_with_stdio(false);
    return weir::replay::run_program(argc, argv, std::cout, std::cerr);
  } catch (const std::exception& error) {
    std::cerr << "weir-replay: " << error.what() << '\n';
    return 1;
  }
}
