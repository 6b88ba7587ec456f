#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"

namespace weir::ctl {

// Exit statuses.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

/// The two ends of a command: the daemon's socket, and the user's terminal.
class Session {
 public:
  Session(std::string socket, bool json, bool colours, std::ostream& out)
      : socket_(std::move(socket)), json_(json), colours_(colours), out_(out) {}

  /// Calls a method of weir-control. If it takes longer than a second, a terminal shows the elapsed seconds.
  /// Error codes: not_running, timeout, permission_denied, and those of the method; each with what to do.
  [[nodiscard]] base::Result<nlohmann::json> call(const std::string& method,
                                                  const nlohmann::json& params) const;
  /// Adds to the error of a call what to do about it.
  [[nodiscard]] base::Error explain(base::Error error) const;
  [[nodiscard]] const std::string& socket() const noexcept { return socket_; }
  /// Answers are printed as JSON.
  [[nodiscard]] bool json() const noexcept { return json_; }
  [[nodiscard]] std::ostream& out() const noexcept { return out_; }
  /// `text` in green or red, if colours are on.
  [[nodiscard]] std::string good(std::string_view text) const { return coloured("32", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return coloured("31;1", text); }

 private:
  [[nodiscard]] std::string coloured(std::string_view code, std::string_view text) const;

  const std::string socket_;
  const bool json_;
  const bool colours_;
  std::ostream& out_;
};

/// Prints why a command failed, with --json also as JSON. Returns the exit status.
int report_error(const Session& session, const base::Error& error, std::ostream& errors);

}  // namespace weir::ctl
