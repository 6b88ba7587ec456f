#include "control/storage/entry_storage.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "control/storage/durable_file.h"

namespace weir::storage {
namespace {

constexpr std::size_t kHeadBytes = 256;

/// Whether the state directory holds an encrypted list, which a new key could not read.
bool has_encrypted_lists(const std::filesystem::path& state_dir) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(state_dir / "lists", error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto head = read_head(entry->path(), kHeadBytes); head && key_id_of(head.value())) return true;
  }
  return false;
}

}  // namespace

base::Result<EntryStorage> open_entry_storage(const config::ControlSettings& settings,
                                              const std::filesystem::path& credentials_directory) {
  EntryStorage storage{.at_rest = settings.entries.at_rest, .key = nullptr};
  std::error_code error;
  const auto credential = credentials_directory / kKeyCredential;
  const bool has_credential = !credentials_directory.empty() && std::filesystem::exists(credential, error);
  const auto own =
      settings.entries.key_file.empty() ? settings.state_dir / "entries.key" : settings.entries.key_file;
  auto key = has_credential ? EntryKey::load(credential, false) : EntryKey::load(own, true);
  if (!key) return key.error();
  if (key.value() == nullptr) {
    const bool plain = storage.at_rest == config::AtRest::plain;
    if (has_encrypted_lists(settings.state_dir)) {
      return base::Error{
          "key_missing",
          fmt::format(
              "the lists in {} are encrypted, but their key {} is missing: restore it, or move "
              "the directory away to start again from the feeds (the entries of manual lists are lost)",
              settings.state_dir.string(), own.string())};
    }
    if (plain) return storage;
    if (!settings.entries.make_key) {
      return base::Error{
          "key_missing",
          fmt::format("no entry key at {}: make one (openssl rand -hex 32, mode 0600), provide the "
                      "credential {}, or set control.entries.make_key",
                      own.string(), kKeyCredential)};
    }
    if (auto made = make_directory(settings.state_dir, 0700); !made) return made.error();
    key = EntryKey::make(own);
    if (key)
      spdlog::info("made the entry key {}: keep a copy of it outside the state directory", own.string());
  }
  if (!key) return key.error();
  storage.key = std::move(key).value();
  return storage;
}

void protect_memory(bool lock) {
  // Also keeps out debuggers of other users.
  ::prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
  const rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
  if (!lock) return;
  // If a limit stayed in force, locking would make later allocations fail.
  const rlimit unlimited{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  rlimit now{};
  const bool raised = ::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0 ||
                      (::getrlimit(RLIMIT_MEMLOCK, &now) == 0 && now.rlim_cur == RLIM_INFINITY);
  if (raised && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return;
  spdlog::info(
      "memory is not locked: RLIMIT_MEMLOCK cannot be raised (set LimitMEMLOCK=infinity in the systemd "
      "unit)");
}

}  // namespace weir::storage
