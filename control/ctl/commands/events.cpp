#include <chrono>
#include <cstdint>

#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/commands/live.h"
#include "control/ctl/numbers.h"
#include "control/ctl/text_table.h"
#include "dataplane/rpc/client.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kConnectTimeout{5000};
constexpr std::chrono::milliseconds kWait{1000};

void print_event(const Session& session, const json& event) {
  if (session.json()) {
    session.out() << event.dump() << '\n';
    return;
  }
  // The list is null if its snapshot is gone.
  const auto seconds = static_cast<std::int64_t>(number_at(event, "time"));
  session.out() << printable(fmt::format("{}  {:<5} list {}, rule {}", local_time(seconds),
                                         cell(event, "protocol"), cell(event, "list"), cell(event, "rule")))
                << '\n';
}

void print_lost(const Session& session, std::uint64_t lost) {
  if (session.json()) {
    session.out() << json{{"lost", lost}}.dump() << '\n';
  } else {
    session.out() << session.bad(fmt::format("{} events were lost", lost)) << '\n';
  }
}

/// Prints the events of one notification, at most `most`. Returns how many may still follow.
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
          {"ended",
           "weir-control closed the connection (it was stopped or restarted): run weirctl events again"},
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
    return report_error(session, {"protocol", "weir-control sent something that is not an event"}, errors);
  }
}

}  // namespace weir::ctl
