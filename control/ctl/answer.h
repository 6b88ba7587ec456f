#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "control/ctl/session.h"

namespace weir::ctl {

/// Reads answers of weir-control, which may be of another version. `object` may be any JSON value; a member
/// that is missing, or of another type, counts as not there.

/// A null value if it is not there.
const nlohmann::json& member(const nlohmann::json& object, std::string_view key);
bool is_true(const nlohmann::json& object, std::string_view key);
std::optional<std::string> text_at(const nlohmann::json& object, std::string_view key);
/// 0 if it is not there.
double number_at(const nlohmann::json& object, std::string_view key);

/// A member as a cell of a table: text as it is, flags as yes or no, `-` if it is not there.
std::string cell(const nlohmann::json& object, std::string_view key);
/// Unix seconds as local time; `-` for 0.
std::string time_cell(const nlohmann::json& object, std::string_view key);
/// A duration in seconds: `0.042 s`.
std::string seconds_cell(const nlohmann::json& object, std::string_view key);

/// `2026-01-02 03:04:05`, in local time.
std::string local_time(std::int64_t unix_seconds);

/// The last line of every update: which generation is built, and whether it is active. Returns the exit
/// status.
int print_generation(const Session& session, const nlohmann::json& answer);

}  // namespace weir::ctl
