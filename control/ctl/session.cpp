#include <array>
#include <future>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "control/ctl/command.h"
#include "control/ctl/text_table.h"
#include "dataplane/rpc/client.h"

namespace weir::ctl {
namespace {

// Longer than the daemon may take to fetch a feed.
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
      {"permission_denied",
       ": the directory of the socket is closed to you; ask as root, or change its mode"},
      {"timeout", ": weir-control is busy or stuck; `systemctl status weir-control` and its log say more"},
      {"method_not_found", "; weirctl and weir-control are of different versions: start weir-control again"},
      {"lists_incomplete", "; `weirctl lists` shows which list waits and why"},
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

int run_command(const Command& command, const Given& given, const Session& session, std::ostream& errors) {
  if (command.run != nullptr) return command.run(session, given, errors);
  const auto request = command.request(given);
  if (!request) {
    errors << "weirctl: " << printable(request.error().message) << '\n';
    return kUsage;
  }
  const auto answer = session.call(std::string(command.method), request.value());
  if (!answer) return report_error(session, answer.error(), errors);
  // The same exit status with and without --json: the printer knows it.
  std::ostream silent(nullptr);
  const Session quiet("", true, false, silent);
  const int status = command.print(session.json() ? quiet : session, given, answer.value());
  if (session.json()) session.out() << answer.value().dump(2) << '\n';
  const auto error = answer.value().is_object() ? answer.value().find("error") : answer.value().end();
  if (error != answer.value().end() && error->is_object()) {
    errors << "weirctl: built, but not in force yet: " << printable(error->value("message", "")) << '\n';
  }
  return status;
}

}  // namespace weir::ctl
