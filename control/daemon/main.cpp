#include <exception>
#include <iostream>
#include <string>

#include <boost/program_options.hpp>
#include <spdlog/spdlog.h>

#include "config/settings.h"
#include "control/daemon/daemon.h"
#include "dataplane/base/log_setup.h"
#include "dataplane/base/signals.h"
#include "dataplane/base/version.h"

namespace {

namespace po = boost::program_options;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr const char* kProgram = "weir-control";

po::options_description options() {
  po::options_description description(
      "Usage: weir-control [OPTION]...\n"
      "Fetches lists, compiles them and passes them to weir-dataplane. Serves weirctl and the metrics.\n\n"
      "Options");
  description.add_options()("help,h", "print this and exit")("version", "print the versions and exit")(
      "config,c",
      po::value<std::string>()->default_value(weir::config::kDefaultConfigFile)->value_name("FILE"),
      "configuration file")("check-config", "check the configuration and exit");
  return description;
}

int run(const po::variables_map& arguments) {
  const auto file = arguments["config"].as<std::string>();
  const auto settings = weir::config::load_settings(file, weir::config::Audience::control);
  if (!settings) {
    std::cerr << settings.error().message << '\n';
    return kUsage;
  }
  if (arguments.contains("check-config")) {
    for (const auto& notice : weir::config::setting_notices(settings.value())) std::cout << notice << '\n';
    std::cout << file << ": no problem found\n";
    return kDone;
  }
  weir::base::block_signals();
  weir::base::set_up_log(kProgram);
  for (const auto& notice : weir::config::setting_notices(settings.value())) spdlog::warn("{}", notice);
  const auto status = weir::control::run_daemon(settings.value(), file);
  if (status) return kDone;
  spdlog::error("W207: {}", status.error().message);
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    po::variables_map arguments;
    try {
      po::store(po::command_line_parser(argc, argv).options(options()).positional({}).run(), arguments);
      po::notify(arguments);
    } catch (const po::error& error) {
      std::cerr << kProgram << ": " << error.what() << "; see --help\n";
      return kUsage;
    }
    if (arguments.contains("help")) {
      std::cout << options() << "\nExit status: 0 success, 1 failure, 2 usage or configuration error.\n";
      return kDone;
    }
    if (arguments.contains("version")) {
      std::cout << weir::base::version_text(kProgram) << '\n';
      return kDone;
    }
    return run(arguments);
  } catch (const std::exception& error) {
    std::cerr << kProgram << ": " << error.what() << '\n';
    return kFailed;
  }
}
