#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/rules/rule.h"

namespace weir::bench {

/// The page of every rule for a page.
inline constexpr const char* kListedPath = "/a/b/page.html";

/// A list as hotlines and blocklists mix them: every even rule is a domain, every odd one a page, and four
/// pages are on one host. Names are pseudo-random, of 13 to 30 bytes.
std::string host_of_rule(std::uint32_t number);
/// Fills `rule`, whose strings keep their storage; its id is `number` + 1. The first page of a host is
/// kListedPath.
void make_rule(std::uint32_t number, rules::Rule& rule);
/// A host that no rule of make_rule() names, nor one above it.
std::string unlisted_host(std::uint64_t number);

/// The snapshot of make_rule(0 ... count - 1), on one list.
std::vector<std::byte> build_snapshot(std::uint32_t count);

/// A snapshot of hostN.example.com for N of 1 to `count`: domains where N is even, kListedPath where it is
/// odd.
std::vector<std::byte> build_numbered_snapshot(std::uint32_t count);

}  // namespace weir::bench
