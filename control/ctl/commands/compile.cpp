#include "control/ctl/commands/compile.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <limits>
#include <optional>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "control/ctl/text_table.h"
#include "control/storage/durable_file.h"
#include "dataplane/base/file_descriptor.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/rules/plain_list.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::ctl {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
/// Refused lines to print per list; all are counted.
constexpr std::size_t kShownLines = 20;
constexpr mode_t kSnapshotMode = 0640;
constexpr std::size_t kSeedDigits = 32;
constexpr std::size_t kProgressRules = 250000;

struct Source {
  std::string name;
  std::string file;
};

struct Plan {
  std::vector<Source> sources;
  rules::SnapshotBuilder::Header header;
  std::vector<rules::ListPolicy> policies;
  std::filesystem::path output;
};

struct ListCount {
  std::size_t entries = 0;
  std::size_t refused = 0;
};

base::Error usage(std::string message) { return {"usage", std::move(message)}; }

base::Result<Source> read_source(const std::string& argument) {
  const std::size_t mark = argument.find('=');
  Source source{.name = argument.substr(0, mark), .file = argument.substr(mark + 1)};
  if (mark == std::string::npos) source.name = std::filesystem::path(argument).stem().string();
  if (source.name.empty() || source.file.empty() || source.name.size() > rules::kMaxListNameBytes) {
    return usage(fmt::format("{}: expected FILE or NAME=FILE, with a name (or file stem) of 1 to {} bytes",
                             argument, rules::kMaxListNameBytes));
  }
  return source;
}

std::optional<rules::SnapshotSeed> read_seed(std::string_view text) {
  rules::SnapshotSeed seed{};
  if (text.size() != kSeedDigits) return std::nullopt;
  for (std::size_t i = 0; i < seed.size(); ++i) {
    const std::string_view half = text.substr(i * kSeedDigits / 2, kSeedDigits / 2);
    const auto [end, code] = std::from_chars(half.data(), half.data() + half.size(), seed[i], 16);
    if (code != std::errc{} || end != half.data() + half.size()) return std::nullopt;
  }
  return seed;
}

std::optional<std::uint64_t> read_generation(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = code == std::errc{} && end == text.data() + text.size();
  if (!is_number || value == 0 || value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return value;
}

/// With a given seed the same lists give the same bytes, so the time is left out.
base::Status read_header(const Given& given, rules::SnapshotBuilder::Header& header) {
  header.generation = {1};
  if (given.has("generation")) {
    const auto generation = read_generation(given.text("generation"));
    if (!generation) return usage("--generation: expected a number, at least 1");
    header.generation = {*generation};
  }
  if (given.has("seed")) {
    const auto seed = read_seed(given.text("seed"));
    if (!seed) return usage(fmt::format("--seed: expected {} hexadecimal digits", kSeedDigits));
    header.seed = *seed;
    return base::ok_status();
  }
  header.seed = rules::random_snapshot_seed();
  header.created_unix_seconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  return base::ok_status();
}

base::Result<Plan> read_plan(const Given& given) {
  Plan plan;
  plan.output = given.text("output");
  if (plan.output.empty()) return usage("compile: expected -o SNAPSHOT, the file to write");
  if (auto status = read_header(given, plan.header); !status) return status.error();
  const std::string on_tls = given.has("on-tls") ? given.text("on-tls") : "pass";
  if (on_tls != "pass" && on_tls != "block-host") return usage("--on-tls: expected pass or block-host");
  for (const std::string& argument : given.arguments) {
    auto source = read_source(argument);
    if (!source) return source.error();
    const auto is_same = [&](const Source& other) { return other.name == source.value().name; };
    if (std::any_of(plan.sources.begin(), plan.sources.end(), is_same)) {
      return usage(
          fmt::format("two lists have the name {}: use NAME=FILE to name them", source.value().name));
    }
    plan.policies.push_back({.name = source.value().name,
                             .subdomains = given.has("subdomains"),
                             .www_equivalent = given.has("www-equivalent"),
                             .block_host_on_tls = on_tls == "block-host"});
    plan.sources.push_back(std::move(source).value());
  }
  return plan;
}

base::Error file_error(std::string_view action, const std::string& file) {
  return {"io", fmt::format("cannot {} {}: {}", action, file, std::strerror(errno))};
}

/// Reads a file in blocks into `reader`.
base::Status read_blocks(const std::string& file, rules::PlainListReader& reader) {
  const base::FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor) return file_error("open", file);
  std::vector<char> block(kBlockBytes);
  while (true) {
    const ssize_t count = ::read(descriptor.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("read", file);
    if (count == 0) return base::ok_status();
    reader.feed({block.data(), static_cast<std::size_t>(count)});
  }
}

void report_refused(const Source& source, const rules::PlainListSummary& summary, std::ostream& errors) {
  const std::size_t shown = std::min(summary.errors.size(), kShownLines);
  for (std::size_t i = 0; i < shown; ++i) {
    errors << printable(
                  fmt::format("{}:{}: {}", source.file, summary.errors[i].line, summary.errors[i].message))
           << '\n';
  }
  if (summary.bad_lines > shown) {
    errors << printable(fmt::format("{}: {} more lines were refused", source.file, summary.bad_lines - shown))
           << '\n';
  }
}

/// Shows progress on a terminal.
class Progress {
 public:
  ~Progress() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  }
  void update(std::size_t entries) {
    if (!watched_ || entries % kProgressRules != 0) return;
    std::cerr << fmt::format("\rcompile: {} entries", entries) << std::flush;
    shown_ = true;
  }

 private:
  const bool watched_ = ::isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
};

/// Rule ids count the entries of all lists, in order.
base::Result<std::vector<ListCount>> read_lists(const Plan& plan, rules::SnapshotBuilder& builder,
                                                std::ostream& errors) {
  rules::EntryParser parser;
  std::vector<ListCount> counts;
  std::uint32_t id = 0;
  Progress progress;
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    const auto add = [&](rules::Rule&& rule, std::size_t) {
      if (id == std::numeric_limits<std::uint32_t>::max())
        throw std::length_error("too many entries: no rule ids are left");
      rule.id = {++id};
      rule.list = base::ListIndex{static_cast<std::uint8_t>(i)};
      builder.add(rule);
      progress.update(id);
    };
    rules::PlainListReader reader(parser, add);
    if (auto status = read_blocks(plan.sources[i].file, reader); !status) return status.error();
    const auto summary = reader.finish();
    report_refused(plan.sources[i], summary, errors);
    counts.push_back({.entries = summary.rules, .refused = summary.bad_lines});
    if (summary.rules == 0) {
      return base::Error{"list_empty", fmt::format("{}: the list has no usable entry; nothing was written",
                                                   plan.sources[i].file)};
    }
  }
  return counts;
}

void print_summary(const Session& session, const Plan& plan, const std::vector<ListCount>& counts,
                   json summary) {
  TextTable table({TextTable::left("LIST"), TextTable::right("ENTRIES"), TextTable::right("REFUSED")});
  summary["lists"] = json::array();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    table.add({plan.sources[i].name, std::to_string(counts[i].entries), std::to_string(counts[i].refused)});
    summary["lists"].push_back({{"name", plan.sources[i].name},
                                {"file", plan.sources[i].file},
                                {"entries", counts[i].entries},
                                {"refused", counts[i].refused}});
  }
  if (session.json()) {
    session.out() << summary.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
    return;
  }
  table.print(session.out());
  session.out() << printable(fmt::format(
                       "{}: {} entries, {} duplicates, {} bytes, {:.3f} s", plan.output.string(),
                       summary["entries"].get<std::size_t>(), summary["duplicates"].get<std::size_t>(),
                       summary["bytes"].get<std::size_t>(), summary["seconds"].get<double>()))
                << '\n';
}

base::Status compile(const Session& session, const Plan& plan, std::ostream& errors) {
  const auto start = Clock::now();
  rules::SnapshotBuilder builder(plan.header, plan.policies);
  const auto counts = read_lists(plan, builder, errors);
  if (!counts) return counts.error();
  const std::vector<std::byte> bytes = builder.build();
  // Opened as the dataplane will open it, so that a snapshot that it would refuse is not written.
  if (const auto view = match::SnapshotView::open(bytes); !view) return view.error();
  if (auto status = storage::write_durably(plan.output, bytes, kSnapshotMode); !status) return status;
  std::size_t entries = 0;
  for (const ListCount& count : counts.value()) entries += count.entries;
  const std::chrono::duration<double> seconds = Clock::now() - start;
  print_summary(session, plan, counts.value(),
                {{"file", plan.output.string()},
                 {"generation", plan.header.generation.value},
                 {"entries", entries},
                 {"duplicates", builder.duplicates()},
                 {"bytes", bytes.size()},
                 {"seconds", seconds.count()}});
  return base::ok_status();
}

int fail(std::ostream& errors, std::string_view message, int status) {
  errors << "weirctl: " << printable(message) << '\n';
  return status;
}

}  // namespace

int compile_lists(const Session& session, const Given& given, std::ostream& errors) {
  const auto plan = read_plan(given);
  if (!plan) return fail(errors, plan.error().message, kUsage);
  try {
    const auto status = compile(session, plan.value(), errors);
    return status ? kDone : fail(errors, status.error().message, kFailed);
  } catch (const std::invalid_argument& error) {
    return fail(errors, error.what(), kUsage);  // a list's name, or too many lists
  } catch (const std::exception& error) {
    return fail(errors, error.what(), kFailed);
  }
}

}  // namespace weir::ctl
