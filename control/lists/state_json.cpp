#include "control/lists/state_json.h"

#include <nlohmann/json.hpp>

namespace weir::control {
namespace {

using nlohmann::json;

constexpr int kStateVersion = 1;
constexpr std::int64_t kNeverExpires = 0;

json optional_number(const std::optional<std::uint64_t>& number) { return number ? json(*number) : json(); }

std::optional<std::uint64_t> optional_number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return found->get<std::uint64_t>();
}

// An empty string stands for none, as in states of version 0.1.
std::optional<std::string> optional_text(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

json list_to_json(const ListState& list) {
  const FetchRecord fetched = list.fetched.value_or(FetchRecord{});
  return {{"name", list.name},
          {"manual", list.type == config::ListType::manual},
          {"subdomains", list.subdomains},
          {"www_equivalent", list.www_equivalent},
          {"block_host_on_tls", list.block_host_on_tls},
          {"content", list.content},
          {"entries", list.entries},
          {"duplicates", list.duplicates},
          {"source", list.source},
          {"source_digest", fetched.digest},
          {"etag", fetched.validators.etag.value_or("")},
          {"last_modified", fetched.validators.last_modified.value_or("")},
          {"serial", optional_number(list.edition.serial)},
          {"signed_serial", optional_number(list.edition.signed_serial)},
          {"signed_time", optional_number(list.edition.signed_unix_seconds)},
          {"token", list.token.value_or("")},
          {"last_full", list.last_full_unix_seconds},
          {"last_attempt", list.last_attempt_unix_seconds},
          {"last_success", list.last_success_unix_seconds}};
}

ListState list_from_json(const json& object) {
  ListState list;
  list.name = object.at("name").get<std::string>();
  list.type = object.at("manual").get<bool>() ? config::ListType::manual : config::ListType::feed;
  object.at("subdomains").get_to(list.subdomains);
  object.at("www_equivalent").get_to(list.www_equivalent);
  object.at("block_host_on_tls").get_to(list.block_host_on_tls);
  object.at("content").get_to(list.content);
  object.at("entries").get_to(list.entries);
  object.at("duplicates").get_to(list.duplicates);
  object.at("source").get_to(list.source);
  if (auto digest = optional_text(object.at("source_digest").get<std::string>())) {
    list.fetched = {
        .validators = {.etag = optional_text(object.at("etag").get<std::string>()),
                       .last_modified = optional_text(object.at("last_modified").get<std::string>())},
        .digest = std::move(*digest)};
  }
  // The following fields are missing in states of versions that did not have them yet.
  list.edition = {.serial = optional_number(object, "serial"),
                  .signed_serial = optional_number(object, "signed_serial"),
                  .signed_unix_seconds = optional_number(object, "signed_time")};
  list.token = optional_text(object.value("token", ""));
  list.last_full_unix_seconds = object.value("last_full", std::int64_t{0});
  object.at("last_attempt").get_to(list.last_attempt_unix_seconds);
  object.at("last_success").get_to(list.last_success_unix_seconds);
  return list;
}

}  // namespace

std::string state_to_json(const State& state) {
  json lists = json::array();
  for (const ListState& list : state.lists) lists.push_back(list_to_json(list));
  const json object{{"version", kStateVersion},
                    {"generation", state.generation.value},
                    {"created", state.created_unix_seconds},
                    {"next_rule", state.next_rule},
                    {"next_content", state.next_content},
                    {"base", state.base.value_or(base::Generation{}).value},
                    {"base_recipe", state.base_recipe},
                    {"canary", state.canary.value_or("")},
                    {"lists", std::move(lists)}};
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

bool state_from_json(std::string_view text, State& state) {
  try {
    const json object = json::parse(text);
    if (object.at("version").get<int>() != kStateVersion) return false;
    state.generation = {object.at("generation").get<std::uint64_t>()};
    object.at("created").get_to(state.created_unix_seconds);
    object.at("next_rule").get_to(state.next_rule);
    object.at("next_content").get_to(state.next_content);
    // States of versions without overlays have no base.
    if (const auto base = object.value("base", std::uint64_t{0}); base != 0)
      state.base = base::Generation{base};
    state.base_recipe = object.value("base_recipe", "");
    state.canary = optional_text(object.value("canary", ""));
    for (const json& list : object.at("lists")) state.lists.push_back(list_from_json(list));
    return state.next_rule != 0;
  } catch (const json::exception&) {
    return false;
  }
}

std::string notes_to_json(const std::vector<ManualNote>& notes) {
  json array = json::array();
  for (const ManualNote& note : notes) {
    array.push_back({{"uid", note.uid},
                     {"added", note.added_unix_seconds},
                     {"expires", note.expires_unix_seconds.value_or(kNeverExpires)},
                     {"comment", note.comment}});
  }
  return array.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool notes_from_json(std::string_view text, std::vector<ManualNote>& notes) {
  try {
    const json array = json::parse(text);
    if (!array.is_array()) return false;
    notes.reserve(array.size());
    for (const json& object : array) {
      const auto expires = object.at("expires").get<std::int64_t>();
      notes.push_back(
          {.uid = object.at("uid").get<std::uint32_t>(),
           .added_unix_seconds = object.at("added").get<std::int64_t>(),
           .expires_unix_seconds = expires == kNeverExpires ? std::nullopt : std::optional(expires),
           .comment = object.at("comment").get<std::string>()});
    }
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

}  // namespace weir::control
