#include "dataplane/replay/options.h"

#include <sstream>

#include <boost/program_options.hpp>
#include <fmt/format.h>

namespace weir::replay {
namespace {

namespace po = boost::program_options;
using Paths = std::vector<std::string>;

po::options_description visible_options() {
  po::options_description options("Options");
  // clang-format off
  options.add_options()
    ("list", po::value<Paths>()->value_name("FILE"),
     "read rules from FILE, one per line (plain format); may be repeated, the first list has the highest "
     "precedence")
    ("snapshot", po::value<std::string>()->value_name("FILE"), "read rules from a snapshot of the control daemon")
    ("config,c", po::value<std::string>()->value_name("FILE"),
     "use dataplane.inspect, block, flows and enforcement of this configuration (default: the built-in "
     "settings)")
    ("check-config", "check the configuration (default: /etc/weir/weir.yaml) and exit")
    ("write", po::value<std::string>()->value_name("OUT.pcap"),
     "write the packets that would leave Weir: forwarded and injected ones, in order")
    ("all", "print passed requests as well as blocked ones")
    ("json", "print one JSON object per request")
    ("stats", "print counters and the inspection time to standard error, as one JSON object")
    ("repeat", po::value<unsigned>()->value_name("N")->default_value(1),
     "run N times, each time with an empty flow table; only the first run prints and writes, all are counted")
    ("help,h", "print this and exit")
    ("version", "print the versions and exit");
  // clang-format on
  return options;
}

base::Error usage(std::string message) { return {.code = "usage", .message = std::move(message)}; }

std::optional<std::filesystem::path> path_of(const po::variables_map& values, const char* name) {
  if (values.count(name) == 0) return std::nullopt;
  return values[name].as<std::string>();
}

std::vector<std::filesystem::path> paths_of(const po::variables_map& values, const char* name) {
  if (values.count(name) == 0) return {};
  const auto& given = values[name].as<Paths>();
  return {given.begin(), given.end()};
}

}  // namespace

base::Result<Options> parse_options(int argc, const char* const* argv) {
  po::options_description all = visible_options();
  all.add_options()("capture", po::value<Paths>(), "");
  po::positional_options_description positional;
  positional.add("capture", -1);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    return usage(error.what());
  }
  Options options{.lists = paths_of(values, "list"),
                  .snapshot = path_of(values, "snapshot"),
                  .config = path_of(values, "config"),
                  .write = path_of(values, "write"),
                  .captures = paths_of(values, "capture"),
                  .repeat = values["repeat"].as<unsigned>(),
                  .all = values.count("all") != 0,
                  .json = values.count("json") != 0,
                  .stats = values.count("stats") != 0,
                  .check_config = values.count("check-config") != 0,
                  .help = values.count("help") != 0,
                  .version = values.count("version") != 0};
  if (options.help || options.version || options.check_config) return options;
  if (options.captures.empty()) return usage("no capture given: weir-replay [OPTION]... IN.pcap...");
  if (options.repeat == 0) return usage("--repeat 0: expected a number of at least 1");
  if (!options.lists.empty() && options.snapshot) {
    return usage("--list and --snapshot: give only one of them");
  }
  return options;
}

std::string help_text() {
  std::ostringstream text;
  text
      << "Usage: weir-replay [OPTION]... IN.pcap...\n"
         "Inspects captures (pcap, pcapng) as the dataplane inspects traffic, and prints the requests that "
         "it\n"
         "would block, with the hosts and paths of the captured traffic.\n\n"
      << visible_options()
      << "\nExit status: 0 success, 1 a broken capture or a file that cannot be written, 2 wrong usage or a\n"
         "list, snapshot or configuration that cannot be used.\n";
  return text.str();
}

}  // namespace weir::replay
