#include "control/storage/entry_key.h"

#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "control/storage/entry_storage.h"
#include "tests/support/scratch.h"

namespace weir::control {
namespace {

using storage::EntryKey;

EntryKey::Bytes bytes_of(unsigned char first) {
  EntryKey::Bytes bytes{};
  bytes[0] = first;
  return bytes;
}

TEST(EntryKey, ReadsBackWhatItEncryptedInEachSize) {
  const EntryKey key(bytes_of(1));
  constexpr std::size_t chunk = std::size_t{1} << 20;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1000}, chunk - 1, chunk, chunk + 1, 3 * chunk}) {
    std::string text(size, 'a');
    if (size != 0) text.back() = 'z';
    const auto file = key.encrypt("list", "7", text);
    ASSERT_TRUE(file) << size;
    EXPECT_EQ(storage::key_id_of(file.value()), key.id());
    EXPECT_EQ(file.value().find("aaaaaaaa"), std::string::npos);
    const auto read = key.decrypt("list", "7", file.value());
    ASSERT_TRUE(read) << size;
    EXPECT_TRUE(read.value() == text) << size;
    EXPECT_NE(key.encrypt("list", "7", text).value(), file.value()) << "the same bytes again";
  }
}

TEST(EntryKey, RefusesWhatWasChanged) {
  const EntryKey key(bytes_of(1));
  const std::string text(3000000, 'a');
  const std::string file = key.encrypt("list", "7", text).value();
  const std::size_t head = file.find('\n') + 1;
  constexpr std::size_t chunk = (std::size_t{1} << 20) + 16;
  struct Case {
    const char* description;
    std::string file;
    const char* code;
  };
  const auto flipped = [&file](std::size_t at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    return changed;
  };
  const std::string first = file.substr(head, chunk);
  const std::string second = file.substr(head + chunk, chunk);
  const std::vector<Case> cases{
      {"empty", "", "damaged"},
      {"the head alone", file.substr(0, head), "damaged"},
      {"cut in the head", file.substr(0, head - 5), "damaged"},
      {"a byte less", file.substr(0, file.size() - 1), "damaged"},
      {"a byte more", file + "x", "damaged"},
      {"a bit in the first chunk", flipped(head), "damaged"},
      {"a bit in a tag", flipped(head + chunk - 1), "damaged"},
      {"a bit in the last byte", flipped(file.size() - 1), "damaged"},
      {"a bit of the salt", flipped(file.find(key.id()) + key.id().size() + 3), "damaged"},
      {"a bit of the length", flipped(head - 2), "damaged"},
      {"another kind", std::string(file).replace(file.find("list"), 4, "lost"), "damaged"},
      {"another key's id", std::string(file).replace(file.find(key.id()), 16, "0123456789abcdef"),
       "wrong_key"},
      {"chunks exchanged", file.substr(0, head) + second + first + file.substr(head + 2 * chunk), "damaged"},
      {"chunk repeated", file.substr(0, head) + first + first + file.substr(head + 2 * chunk), "damaged"},
      {"a length beyond all bounds",
       std::string(file).replace(file.rfind(' ', head) + 1, 7, "18446744073709551615"), "damaged"},
  };
  for (const Case& each : cases) {
    const auto read = key.decrypt("list", "7", each.file);
    ASSERT_FALSE(read) << each.description;
    EXPECT_EQ(read.error().code, each.code) << each.description;
  }
  EXPECT_EQ(key.decrypt("list", "8", file).error().code, "damaged") << "under another name";
  EXPECT_EQ(EntryKey(bytes_of(2)).decrypt("list", "7", file).error().code, "wrong_key");
  // Cut off at a chunk, with a head that says so: the last chunk knows that it is not the last.
  std::string shorter = file.substr(0, head + 2 * chunk);
  shorter.replace(shorter.rfind(' ', head) + 1, 7, "2097152");
  EXPECT_EQ(key.decrypt("list", "7", shorter).error().code, "damaged");
}

TEST(EntryKey, FilesOfKeys) {
  const test::Scratch scratch;
  const auto file = scratch / "key";
  const auto made = EntryKey::make(file);
  ASSERT_TRUE(made);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(EntryKey::load(file, true).value()->id(), made.value()->id());
  EXPECT_EQ(EntryKey::make(file).error().code, "key_exists");
  const std::string digits(64, 'a');
  struct Case {
    std::string text;
    mode_t mode;
    const char* code;
  };
  const std::vector<Case> cases{{digits, 0600, ""},
                                {digits + "\r\n", 0400, ""},
                                {digits, 0640, "key_invalid"},
                                {digits, 0604, "key_invalid"},
                                {"", 0600, "key_invalid"},
                                {"\n", 0600, "key_invalid"},
                                {digits.substr(1), 0600, "key_invalid"},
                                {digits + "a", 0600, "key_invalid"},
                                {std::string(64, 'g'), 0600, "key_invalid"},
                                {std::string(100000, 'a'), 0600, "key_invalid"}};
  for (const Case& each : cases) {
    test::write_file(file, each.text);
    ::chmod(file.c_str(), each.mode);
    const auto key = EntryKey::load(file, true);
    EXPECT_EQ(key ? "" : key.error().code, each.code) << each.text.size() << " " << each.mode;
    EXPECT_EQ(key ? std::string::npos : key.error().message.find("aaaaaaaa"), std::string::npos);
  }
}

TEST(EntryStorage, FindsTheKeyAndMakesOneOnceAlone) {
  const test::Scratch scratch;
  config::ControlSettings settings;
  settings.state_dir = scratch / "state";
  const auto credentials = scratch / "credentials";
  std::filesystem::create_directories(settings.state_dir / "lists");
  std::filesystem::create_directory(credentials);
  settings.entries.make_key = false;
  EXPECT_EQ(storage::open_entry_storage(settings, credentials).error().code, "key_missing");
  settings.entries.make_key = true;
  const auto made = storage::open_entry_storage(settings, "");
  ASSERT_TRUE(made);
  EXPECT_EQ(storage::open_entry_storage(settings, "").value().key->id(), made.value().key->id());
  // The credential comes first.
  test::write_file(credentials / "weir-entries-key", std::string(64, 'b'));
  EXPECT_NE(storage::open_entry_storage(settings, credentials).value().key->id(), made.value().key->id());
  // A new key is no remedy for a lost one.
  test::write_file(settings.state_dir / "lists/00000000000000000001",
                   made.value().key->encrypt("list", "x", "").value());
  std::filesystem::remove(settings.state_dir / "entries.key");
  EXPECT_EQ(storage::open_entry_storage(settings, "").error().code, "key_missing");
  EXPECT_FALSE(std::filesystem::exists(settings.state_dir / "entries.key"));
  settings.entries.at_rest = config::AtRest::plain;
  EXPECT_EQ(storage::open_entry_storage(settings, "").error().code, "key_missing");
  std::filesystem::remove(settings.state_dir / "lists/00000000000000000001");
  EXPECT_EQ(storage::open_entry_storage(settings, "").value().key, nullptr);
}

}  // namespace
}  // namespace weir::control
