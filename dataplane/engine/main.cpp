#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <spdlog/cfg/env.h>
#include <spdlog/spdlog.h>

#include "config/settings.h"
#include "dataplane/base/log_setup.h"
#include "dataplane/base/signals.h"
#include "dataplane/base/version.h"
#include "dataplane/engine/dataplane.h"
#include "dataplane/engine/start_plan.h"

namespace {

constexpr const char* kProgram = "weir-dataplane";
constexpr int kFailed = 1;
constexpr int kUsage = 2;

/// `message` may have several lines, one per problem of the configuration.
int complain(const std::string& message, int exit_status) {
  std::cerr << kProgram << ": " << message << (message.empty() || message.back() != '\n' ? "\n" : "");
  return exit_status;
}

int run(const std::string& file, bool check_only) {
  const auto settings = weir::config::load_settings(file, weir::config::Audience::dataplane);
  if (!settings) return complain(settings.error().message, kUsage);
  auto plan = weir::engine::make_start_plan(settings.value().dataplane, file);
  if (!plan) return complain(plan.error().message, kUsage);
  if (check_only) {
    for (const std::string& notice : weir::config::setting_notices(settings.value())) {
      std::cout << notice << '\n';
    }
    std::cout << file << ": no problem found\n";
    return EXIT_SUCCESS;
  }
  weir::base::set_up_log(kProgram);
  spdlog::cfg::load_env_levels();
  for (const std::string& notice : weir::config::setting_notices(settings.value()))
    spdlog::warn("{}", notice);
  weir::base::block_signals();
  auto dataplane = weir::engine::Dataplane::start(std::move(plan).value());
  if (!dataplane) {
    spdlog::critical("W111: {}", dataplane.error().message);
    return dataplane.error().code == "eal_arguments" ? kUsage : kFailed;
  }
  dataplane.value()->run();
  std::move(dataplane).value().reset();
  spdlog::info("stopped");
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  namespace options = boost::program_options;
  try {
    std::string file;
    options::options_description description(
        "Usage: weir-dataplane [OPTION]...\n"
        "Forwards packets between two DPDK ports; drops listed requests and answers them.\n\nOptions");
    description.add_options()("help,h", "print this and exit")("version", "print the versions and exit")(
        "config,c",
        options::value(&file)->default_value(weir::config::kDefaultConfigFile)->value_name("FILE"),
        "configuration file")("check-config", "check the configuration and exit; opens no port");
    options::variables_map given;
    options::store(options::command_line_parser(argc, argv).options(description).positional({}).run(), given);
    options::notify(given);
    if (given.count("help") != 0) {
      std::cout << description << "\nExit status: 0 success, 1 failure, 2 usage or configuration error.\n";
      return EXIT_SUCCESS;
    }
    if (given.count("version") != 0) {
      std::cout << weir::base::version_text(kProgram) << '\n';
      return EXIT_SUCCESS;
    }
    return run(file, given.count("check-config") != 0);
  } catch (const options::error& error) {
    return complain(fmt::format("{} (see --help)", error.what()), kUsage);
  } catch (const std::exception& error) {
    return complain(error.what(), kFailed);
  }
}
