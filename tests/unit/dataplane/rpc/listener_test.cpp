#include <fstream>
#include <string>

#include <sys/stat.h>

#include "tests/unit/dataplane/rpc/test_server.h"

namespace weir::rpc::testing {
namespace {

TEST(Listener, SetsTheModeWhateverTheUmask) {
  const TemporaryDirectory directory;
  const mode_t old_mask = ::umask(0077);
  for (const unsigned mode : {0600U, 0660U, 0666U}) {
    const auto listener = Listener::open(directory.file("s"), mode);
    ASSERT_TRUE(listener) << listener.error().message;
    struct stat status {};
    ASSERT_EQ(::stat(directory.file("s").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, mode);
  }
  ::umask(old_mask);
}

TEST(Listener, RemovesItsFileAtTheEnd) {
  const TemporaryDirectory directory;
  { ASSERT_TRUE(Listener::open(directory.file("s"), 0600)); }
  EXPECT_FALSE(std::filesystem::exists(directory.file("s")));
}

TEST(Listener, LeavesTheFileOfASuccessor) {
  const TemporaryDirectory directory;
  std::optional<Listener> first;
  {
    auto made = Listener::open(directory.file("s"), 0600);
    ASSERT_TRUE(made);
    first.emplace(std::move(made).value());
  }
  std::filesystem::rename(directory.file("s"), directory.file("moved"));
  const auto second = Listener::open(directory.file("s"), 0600);
  ASSERT_TRUE(second);
  first.reset();
  EXPECT_TRUE(connect_to(directory.file("s")).ok());
}

TEST(Listener, ReplacesAStaleSocket) {
  const TemporaryDirectory directory;
  {
    const auto gone = Listener::open(directory.file("s"), 0600);
    ASSERT_TRUE(gone);
    std::filesystem::rename(directory.file("s"), directory.file("t"));  // as after a killed server
  }
  ASSERT_TRUE(std::filesystem::exists(directory.file("t")));
  EXPECT_TRUE(Listener::open(directory.file("t"), 0600));
}

TEST(Listener, RefusesASocketInUseAndOtherFiles) {
  const TemporaryDirectory directory;
  const auto first = Listener::open(directory.file("s"), 0600);
  ASSERT_TRUE(first);
  const auto second = Listener::open(directory.file("s"), 0600);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "address_in_use");
  EXPECT_NE(second.error().message.find(directory.file("s")), std::string::npos);
  EXPECT_TRUE(connect_to(directory.file("s")).ok()) << "the first one still listens";

  std::ofstream(directory.file("file")) << "text";
  const auto over_file = Listener::open(directory.file("file"), 0600);
  ASSERT_FALSE(over_file);
  EXPECT_EQ(over_file.error().code, "not_a_socket");
  EXPECT_EQ(std::filesystem::file_size(directory.file("file")), 4U);
}

struct PathCase {
  const char* description;
  std::string path;
  const char* code;
};

TEST(Listener, ReportsWhatIsWrongWithAPath) {
  const TemporaryDirectory directory;
  const std::vector<PathCase> cases{
      {"no such directory", directory.file("no/s"), "no_directory"},
      {"empty", "", "path_too_long"},
      {"longer than an address holds", "/tmp/" + std::string(120, 'x'), "path_too_long"},
      {"a NUL in it", std::string("/tmp/\0x", 7), "path_too_long"},
  };
  for (const auto& each : cases) {
    const auto listener = Listener::open(each.path, 0600);
    ASSERT_FALSE(listener) << each.description;
    EXPECT_EQ(listener.error().code, each.code) << each.description;
  }
}

}  // namespace
}  // namespace weir::rpc::testing
