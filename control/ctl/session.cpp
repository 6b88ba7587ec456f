#include "control/ctl/session.h"

#include <array>
#include <future>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "control/ctl/answer.h"
#include "control/ctl/command.h"
#include "control/ctl/text_table.h"
#include "dataplane/rpc/client.h"

namespace weir::ctl {
namespace {

// Longer than weir-control takes to give up on a feed.
constexpr std::chrono::milliseconds kTimeout{1000000};
constexpr std::chrono::seconds kQuiet{1};

}  // namespace

std::string Session::coloured(std::string_view code, std::string_view text) const {
  return colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

base::Result<nlohmann::json> Session::call(const std::string& method, const nlohmann::json& params) const {
  auto answer = std::async(std::launch::async, [&] { return rpc::call(socket_, method, params, kTimeout); });
  const bool watched = ::isatty(STDERR_FILENO) != 0;
  unsigned seconds = 0;
  while (watched && answer.wait_for(kQuiet) != std::future_status::ready) {
    std::cerr << fmt::format("\r{}: {} s", method, ++seconds) << std::flush;
  }
  if (seconds != 0) std::cerr << "\r\x1b[K" << std::flush;
  auto result = answer.get();
  if (!result) return explain(result.error());
  return result;
}

base::Error Session::explain(base::Error error) const {
  struct Hint {
    std::string_view code;
    std::string_view text;
  };
  static constexpr std::array<Hint, 4> kHints{{
      {.code = "permission_denied",
       .text = ": you may not enter the directory of the socket; run weirctl as root, or change its mode"},
      {.code = "timeout",
       .text = ": weir-control is busy or stuck; see `systemctl status weir-control` and its log"},
      {.code = "method_not_found",
       .text = "; weirctl and weir-control have different versions: restart weir-control"},
      {.code = "lists_incomplete", .text = "; `weirctl lists` shows which list is missing and why"},
  }};
  if (error.code == "not_running") {
    error.message = fmt::format(
        "weir-control does not answer at {}: start it (systemctl start weir-control), or name its socket "
        "with --socket",
        socket_);
  }
  for (const Hint& hint : kHints) {
    if (error.code == hint.code) error.message += hint.text;
  }
  return error;
}

int report_error(const Session& session, const base::Error& error, std::ostream& errors) {
  errors << "weirctl: " << printable(error.message) << " [" << printable(error.code) << "]\n";
  if (session.json()) {
    const nlohmann::json object{{"error", {{"code", error.code}, {"message", error.message}}}};
    session.out() << object.dump(2) << '\n';
  }
  return error.code == "invalid_params" || error.code == "usage" ? kUsage : kFailed;
}

namespace {

int run_call(const RemoteCall& call, const Given& given, const Session& session, std::ostream& errors) {
  const auto request = call.request(given);
  if (!request) {
    errors << "weirctl: " << printable(request.error().message) << '\n';
    return kUsage;
  }
  const auto answer = session.call(std::string(call.method), request.value());
  if (!answer) return report_error(session, answer.error(), errors);
  // The exit status is the same with and without --json: the printer decides it.
  std::ostream silent(nullptr);
  const Session quiet("", true, false, silent);
  const int status = call.print(session.json() ? quiet : session, given, answer.value());
  if (session.json()) session.out() << answer.value().dump(2) << '\n';
  if (const nlohmann::json& error = member(answer.value(), "error"); error.is_object()) {
    errors << "weirctl: built, but not active yet: " << printable(cell(error, "message")) << '\n';
  }
  return status;
}

}  // namespace

int run_command(const Command& command, const Given& given, const Session& session, std::ostream& errors) {
  if (const auto* run = std::get_if<LocalRun>(&command.action)) return run->run(session, given, errors);
  return run_call(std::get<RemoteCall>(command.action), given, session, errors);
}

}  // namespace weir::ctl
