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

/// Whether a list in the state directory is encrypted already: a new key could not read it.
bool has_encrypted_lists(const std::filesystem::path& state_dir) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(state_dir / "lists", error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto head = storage::read_head(entry->path(), kHeadBytes);
        head && !storage::key_id_of(head.value()).empty())
      return true;
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
  auto key = has_credential ? storage::EntryKey::load(credential, false) : storage::EntryKey::load(own, true);
  if (!key && key.error().code == "not_found") {
    const bool plain = storage.at_rest == config::AtRest::plain;
    if (has_encrypted_lists(settings.state_dir)) {
      return base::Error{
          "key_missing",
          fmt::format("the lists in {} are encrypted and their key is not at {}: put it back, or move "
                      "the directory away to begin again from the feeds (entries made by hand are lost)",
                      settings.state_dir.string(), own.string())};
    }
    if (plain) return storage;
    if (!settings.entries.make_key) {
      return base::Error{
          "key_missing",
          fmt::format("no key for the entries at {}: make one (openssl rand -hex 32; mode 0600), give "
                      "the credential {}, or set control.entries.make_key",
                      own.string(), kKeyCredential)};
    }
    if (auto made = storage::make_directory(settings.state_dir, 0700); !made) return made.error();
    key = storage::EntryKey::make(own);
    if (key)
      spdlog::info("made the key of the entries, {}: keep a copy of it apart from the state directory",
                   own.string());
  }
  if (!key) return key.error();
  storage.key = std::move(key).value();
  return storage;
}

void protect_memory(bool lock) {
  // Also keeps debuggers of other users out.
  ::prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
  const rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
  if (!lock) return;
  // With a limit in force, locked memory would make allocations fail later on.
  const rlimit unlimited{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  rlimit now{};
  const bool raised = ::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0 ||
                      (::getrlimit(RLIMIT_MEMLOCK, &now) == 0 && now.rlim_cur == RLIM_INFINITY);
  if (raised && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return;
  spdlog::info("memory is not locked: RLIMIT_MEMLOCK cannot be raised (LimitMEMLOCK=infinity of systemd)");
}

}  // namespace weir::storage
