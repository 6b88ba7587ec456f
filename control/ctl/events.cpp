#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>

#include <fmt/format.h>

#include "control/ctl/live.h"
#include "control/ctl/numbers.h"
#include "control/ctl/text_table.h"
#include "dataplane/rpc/client.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kConnectTimeout{5000};
constexpr std::chrono::milliseconds kWait{1000};

std::string local_time(double unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  if (::localtime_r(&time, &parts) == nullptr) return "-";
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(text.data(), size);
}

void print_event(const Session& session, const json& event) {
  if (session.json()) {
    session.out() << event.dump() << '\n';
    return;
  }
  const auto list = event.find("list");
  const bool is_named =
      list != event.end() && list->is_string();  // null: the dataplane has no snapshot any more
  session.out() << printable(fmt::format("{}  {:<5} list {}, rule {}", local_time(event.value("time", 0.0)),
                                         event.value("protocol", ""),
                                         is_named ? list->get<std::string>() : "-",
                                         event.value("rule", std::uint64_t{0})))
                << '\n';
}

void print_lost(const Session& session, std::uint64_t lost) {
  if (session.json()) {
    session.out() << json{{"lost", lost}}.dump() << '\n';
  } else {
    session.out() << session.bad(fmt::format("{} events were lost", lost)) << '\n';
  }
}

/// Prints what one notification brought; how many events of `most` may still follow.
std::uint64_t print_batch(const Session& session, const json& batch, std::uint64_t most) {
  if (const auto lost = batch.value("lost", std::uint64_t{0}); lost != 0) print_lost(session, lost);
  for (const json& event : batch.value("events", json::array())) {
    if (most == 0) break;
    print_event(session, event);
    --most;
  }
  session.out() << std::flush;
  return most;
}

int follow(const Session& session, std::uint64_t most, std::ostream& errors) {
  auto client = rpc::Client::connect(session.socket(), kConnectTimeout);
  if (!client) return report_error(session, session.explain(client.error()), errors);
  const auto begun = client.value().call("events.follow", json::object(), kConnectTimeout);
  if (!begun) return report_error(session, begun.error(), errors);
  while (most != 0) {
    const auto event = client.value().next_event(kWait);
    if (!event) {
      return report_error(
          session,
          {"ended", "weir-control ended the connection (it was stopped, or started again): follow anew"},
          errors);
    }
    if (!session.out().good()) return kFailed;  // nobody reads
    if (!event.value() || event.value()->method != "events") continue;
    const json batch = json::parse(event.value()->params, nullptr, false);
    if (batch.is_object()) most = print_batch(session, batch, most);
  }
  return kDone;
}

}  // namespace

int run_events(const Session& session, const Given& given, std::ostream& errors) {
  std::uint64_t most = UINT64_MAX;
  if (given.has("count")) {
    const auto count = number(given.text("count"));
    if (!count) return report_error(session, not_a_number("--count", given.text("count")), errors);
    most = *count;
  }
  try {
    return follow(session, most, errors);
  } catch (const json::exception&) {
    return report_error(session, {"protocol", "weir-control sent something that is no event"}, errors);
  }
}

}  // namespace weir::ctl
