#include "control/intake/guards.h"

#include <fmt/format.h>

#include "control/storage/durable_file.h"

namespace weir::control {
namespace {

constexpr std::size_t kMaxProtectedBytes = std::size_t{16} << 20;

std::string_view parent_of(std::string_view host) {
  const std::size_t dot = host.find('.');
  return dot == std::string_view::npos ? std::string_view{} : host.substr(dot + 1);
}

bool is_address(std::string_view host) {
  return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

base::Status check_size(const config::GuardSettings& guards, std::size_t entries, std::size_t last_good) {
  if (entries == 0) {
    return base::Error{"guard_empty", "the list has no usable entry: empty or truncated at its source?"};
  }
  if (entries < guards.min_entries) {
    return base::Error{"guard_min_entries", fmt::format("{} entries, fewer than guards.min_entries ({})",
                                                        entries, guards.min_entries)};
  }
  if (last_good == 0) return base::ok_status();
  // Products rather than quotients, to avoid rounding. Counts are far below 2^64 / 100.
  if (entries < last_good && (last_good - entries) * 100 > last_good * guards.max_shrink_percent) {
    return base::Error{"guard_shrink",
                       fmt::format("{} entries, down from {}: more than guards.max_shrink_percent ({}) less",
                                   entries, last_good, guards.max_shrink_percent)};
  }
  if (guards.max_growth_percent != 0 && entries > last_good &&
      (entries - last_good) * 100 > last_good * guards.max_growth_percent) {
    return base::Error{"guard_growth",
                       fmt::format("{} entries, up from {}: more than guards.max_growth_percent ({}) more",
                                   entries, last_good, guards.max_growth_percent)};
  }
  return base::ok_status();
}

base::Result<ProtectedHosts> ProtectedHosts::read(const std::filesystem::path& file,
                                                  rules::EntryParser& parser) {
  ProtectedHosts hosts;
  if (file.empty()) return hosts;
  const auto text = storage::read_whole(file, kMaxProtectedBytes);
  if (!text) return base::Error{"protected_unreadable", "protected_hosts: " + text.error().message};
  std::size_t bad_line = 0;
  const auto summary =
      rules::read_plain_list(text.value(), parser, [&](rules::Rule&& rule, std::size_t line) {
        if (!rule.is_whole_host() && bad_line == 0) bad_line = line;
        hosts.add(std::move(rule.host));
      });
  // Skipping a bad line would silently leave a host unprotected, so the whole file is refused.
  if (!summary.errors.empty()) {
    return base::Error{"protected_invalid", fmt::format("{}:{}: {}", file.string(), summary.errors[0].line,
                                                        summary.errors[0].message)};
  }
  if (bad_line != 0) {
    return base::Error{"protected_invalid",
                       fmt::format("{}:{}: has a path; expected a host", file.string(), bad_line)};
  }
  return hosts;
}

void ProtectedHosts::add(std::string host) {
  if (!is_address(host)) {
    for (std::string_view parent = parent_of(host); !parent.empty(); parent = parent_of(parent)) {
      above_.emplace(parent);
    }
  }
  hosts_.insert(std::move(host));
}

bool ProtectedHosts::is_protected(std::string_view host) const {
  const bool address = is_address(host);
  for (; !host.empty(); host = parent_of(host)) {
    if (hosts_.contains(std::string(host))) return true;
    if (address) return false;
  }
  return false;
}

bool ProtectedHosts::covers(const rules::Rule& rule, bool block_host_on_tls) const {
  if (rule.action == rules::Action::allow || hosts_.empty()) return false;
  if (!rule.is_whole_host() && !block_host_on_tls) return false;
  if (is_protected(rule.host)) return true;
  const bool reaches_below = rule.kind == rules::RuleKind::domain || rule.kind == rules::RuleKind::subdomains;
  return reaches_below && above_.contains(rule.host);
}

}  // namespace weir::control
