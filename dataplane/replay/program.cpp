#include "dataplane/replay/program.h"

#include <memory>
#include <ostream>

#include "config/settings.h"
#include "dataplane/base/version.h"
#include "dataplane/inspect/from_config.h"
#include "dataplane/replay/options.h"
#include "dataplane/replay/replay.h"
#include "dataplane/replay/rule_source.h"

namespace weir::replay {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

/// Everything that a run needs, already checked.
struct Setup {
  Replay::Settings replay;
  std::optional<inspect::BlockPage> page;
  std::optional<RuleSource> rules;
  std::vector<std::string> skipped_lines;  // of the lists, as FILE:LINE: reason
};

base::Result<Setup> set_up(const Options& options) {
  config::Settings settings;
  if (options.config) {
    auto loaded = config::load_settings(*options.config, config::Audience::replay);
    if (!loaded) return loaded.error();
    settings = std::move(loaded).value();
  }
  Setup setup;
  setup.replay = {.inspector = inspect::inspector_settings(settings.dataplane),
                  .enforcement = settings.dataplane.enforcement};
  const std::string file = options.config.value_or(std::filesystem::path()).string();
  auto page = inspect::make_block_page(settings.dataplane.block.http, file);
  if (!page) return page.error();
  setup.page = std::move(page).value();
  if (options.lists.empty() && !options.snapshot) return setup;
  auto rules = options.snapshot ? RuleSource::from_snapshot(*options.snapshot)
                                : RuleSource::from_lists(options.lists, setup.skipped_lines);
  if (!rules) return rules.error();
  setup.rules = std::move(rules).value();
  return setup;
}

int check_config(const Options& options, std::ostream& out, std::ostream& err) {
  const std::filesystem::path file = options.config.value_or(config::kDefaultConfigFile);
  const auto settings = config::load_settings(file, config::Audience::replay);
  if (!settings) {
    err << settings.error().message << '\n';
    return kUsage;
  }
  const auto page = inspect::make_block_page(settings.value().dataplane.block.http, file.string());
  if (!page) {
    err << page.error().message << '\n';
    return kUsage;
  }
  out << file.string() << ": good\n";
  return kDone;
}

int run(const Options& options, const Setup& setup, std::ostream& out, std::ostream& err) {
  int status = kDone;
  std::vector<Capture> captures;
  bool nanoseconds = false;
  for (const auto& file : options.captures) {
    auto capture = load_capture(file);
    if (!capture) {
      err << capture.error().message << '\n';
      status = kFailed;
      continue;
    }
    for (const std::string& problem : capture.value().problems) {
      err << problem << '\n';
      status = kFailed;
    }
    nanoseconds |= capture.value().nanoseconds;
    captures.push_back(std::move(capture).value());
  }
  std::optional<CaptureWriter> writer;
  if (options.write) writer.emplace(*options.write, nanoseconds);
  const match::SnapshotView* snapshot = setup.rules ? &setup.rules->view() : nullptr;
  RequestPrinter printer(
      {.json = options.json, .passed_too = options.all, .name_file = options.captures.size() > 1}, out,
      snapshot);
  Replay replay(setup.replay, snapshot, *setup.page, printer, writer ? &*writer : nullptr);
  for (unsigned pass = 0; pass < options.repeat; ++pass) {
    replay.run(captures);
    printer.mute();
    replay.stop_writing();
  }
  out.flush();
  if (!out) {
    err << "standard output: cannot write\n";
    status = kFailed;
  }
  if (writer) {
    if (const auto written = writer->finish(); !written) {
      err << written.error().message << '\n';
      status = kFailed;
    }
  }
  if (options.stats) err << stats_json(replay, printer) << '\n';
  return status;
}

}  // namespace

int run_program(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  const auto options = parse_options(argc, argv);
  if (!options) {
    err << "weir-replay: " << options.error().message << "\nTry weir-replay --help.\n";
    return kUsage;
  }
  if (options.value().help) out << help_text();
  if (options.value().version) out << base::version_text("weir-replay") << '\n';
  if (options.value().help || options.value().version) return kDone;
  if (options.value().check_config) return check_config(options.value(), out, err);
  const auto setup = set_up(options.value());
  if (!setup) {
    err << "weir-replay: " << setup.error().message << '\n';
    return kUsage;
  }
  const auto& skipped_lines = setup.value().skipped_lines;
  for (const std::string& line : skipped_lines) err << line << '\n';
  if (!skipped_lines.empty()) {
    err << "weir-replay: " << skipped_lines.size() << " list lines skipped; all other lines are in force\n";
  }
  return run(options.value(), setup.value(), out, err);
}

}  // namespace weir::replay
