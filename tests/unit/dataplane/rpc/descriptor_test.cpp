#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>

#include "tests/unit/dataplane/rpc/test_server.h"

namespace weir::rpc::testing {
namespace {

using nlohmann::json;

FileDescriptor file_with(const std::string& text) {
  std::string pattern = (std::filesystem::temp_directory_path() / "weir-rpc-XXXXXX").string();
  FileDescriptor file(::mkostemp(pattern.data(), O_CLOEXEC));
  ::unlink(pattern.c_str());
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}

std::string text_of(int descriptor) {
  std::array<char, 64> buffer{};
  const ssize_t count = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  return count < 0 ? "unreadable" : std::string(buffer.data(), static_cast<std::size_t>(count));
}

// Answers with the content of the request's descriptors.
void read_descriptors(const Request& request, const std::shared_ptr<Responder>& responder) {
  json texts = json::array();
  for (const auto& descriptor : request.descriptors) texts.push_back(text_of(descriptor.get()));
  responder->result(texts);
}

void send_with(int socket, std::string bytes, const std::vector<int>& descriptors) {
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  ASSERT_EQ(::sendmsg(socket, &message, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

TEST(Descriptors, ReachTheHandlerOfTheirRequest) {
  RunningServer server(read_descriptors);
  const auto file = file_with("one");
  const auto answer = call(server.path(), "m", json::object(), kPatience, std::array{file.get()});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value(), json({"one"}));
  EXPECT_EQ(text_of(file.get()), "one") << "the caller's descriptor stays open";
}

TEST(Descriptors, AreNotMixedUpBetweenPipelinedRequests) {
  RunningServer server(read_descriptors);
  const auto one = file_with("one");
  const auto two = file_with("two");
  for (int round = 0; round < 200; ++round) {
    RawClient client(server.path());
    client.send(echo_request(1));
    send_with(client.get(), echo_request(2), {one.get()});
    client.send(echo_request(3) + echo_request(4));
    send_with(client.get(), echo_request(5), {two.get(), one.get()});
    client.send(echo_request(6));
    for (const auto& expected :
         {json::array(), json({"one"}), json::array(), json::array(), json({"two", "one"}), json::array()}) {
      ASSERT_EQ(client.json()["result"], expected);
    }
  }
}

TEST(Descriptors, BelongToTheLineThatEndsLater) {
  RunningServer server(read_descriptors);
  const auto one = file_with("one");
  RawClient client(server.path());
  client.send(echo_request(1));
  send_with(client.get(), R"({"jsonrpc":"2.0",)", {one.get()});
  client.send("\"id\":2,\"method\":\"m\"}\n" + echo_request(3));
  for (const auto& expected : {json::array(), json({"one"}), json::array()}) {
    EXPECT_EQ(client.json()["result"], expected);
  }
}

TEST(Descriptors, OfALargeRequestComeWithIt) {
  RunningServer server(read_descriptors);
  const auto file = file_with("one");
  const auto answer =
      call(server.path(), "m", {{"text", std::string(900000, 'x')}}, kPatience, std::array{file.get()});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value(), json({"one"}));
}

TEST(Descriptors, BeyondTheLimitAreDropped) {
  RunningServer server(read_descriptors);
  const auto one = file_with("one");
  RawClient client(server.path());
  send_with(client.get(), echo_request(1), std::vector<int>(100, one.get()));
  EXPECT_EQ(client.json()["result"].size(), kMaxDescriptors);
  for (int i = 0; i < 10; ++i) send_with(client.get(), " ", {one.get()});
  client.send(echo_request(2));
  EXPECT_EQ(client.json()["result"].size(), kMaxDescriptors);
}

struct LeakCase {
  const char* description;
  std::string bytes;
};

TEST(Descriptors, NeverLeak) {
  const auto one = file_with("one");
  const std::vector<LeakCase> cases{
      {"without a request", " "},
      {"with a blank line", "\n"},
      {"with garbage", "garbage\n"},
      {"with half a line", "{\"jsonrpc\""},
      {"with a notification", "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n"},
      {"with an over-long line", std::string(5000, 'x')},
      {"with a request", echo_request(1)},
  };
  RunningServer server(read_descriptors, {.line_bytes = 4096});
  const std::size_t before = open_descriptors();
  for (const auto& each : cases) {
    for (int round = 0; round < 20; ++round) {
      RawClient client(server.path());
      send_with(client.get(), each.bytes, {one.get(), one.get(), one.get(), one.get(), one.get()});
    }
    // When this client is served and closed, the server is done with the clients above.
    RawClient last(server.path());
    last.send(echo_request(1));
    EXPECT_EQ(last.json()["result"], json::array());
    last.end_sending();
    EXPECT_EQ(last.line(), std::nullopt);
    last.close();
    EXPECT_EQ(open_descriptors(), before) << each.description;
  }
}

}  // namespace
}  // namespace weir::rpc::testing
