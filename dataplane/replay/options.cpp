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
     "rules, one a line (plain profile); may be repeated, the first list has the highest precedence")
    ("snapshot", po::value<std::string>()->value_name("FILE"), "rules as the control daemon compiled them")
    ("config", po::value<std::string>()->value_name("FILE"),
     "take dataplane.inspect, block, flows and enforcement from here (else: the built-in defaults)")
    ("check-config", "check the configuration (by default /etc/weir/weir.yaml) and stop")
    ("write", po::value<std::string>()->value_name("OUT.pcap"),
     "write what would leave the box: forwarded and injected packets, in order")
    ("all", "print requests that pass too, not only blocked ones")
    ("json", "print a JSON object a request")
    ("stats", "print counters and the time of the inspection to standard error, as one JSON object")
    ("repeat", po::value<unsigned>()->value_name("N")->default_value(1),
     "run N times with fresh flows (the first prints and writes; all count)")
    ("help", "print this help and stop")
    ("version", "print versions and stop");
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
    return usage("--list and --snapshot: give the one or the other");
  }
  return options;
}

std::string help_text() {
  std::ostringstream text;
  text << "usage: weir-replay [OPTION]... IN.pcap...\n"
          "Takes captures (pcap, pcapng) through the inspection of the dataplane and prints the requests "
          "that\n"
          "it would block. Host and path are those of the captured traffic.\n\n"
       << visible_options()
       << "\nExit status: 0 done; 1 a capture is broken or something could not be written; 2 usage, or a "
          "list,\n"
          "snapshot or configuration that cannot be used.\n";
  return text.str();
}

}  // namespace weir::replay
