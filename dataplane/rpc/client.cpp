#include "dataplane/rpc/client.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <poll.h>

#include "dataplane/rpc/message.h"
#include "dataplane/rpc/unix_socket.h"

namespace weir::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Larger than any answer of Weir's servers; limits what a broken server can make a client hold.
constexpr std::size_t kAnswerBytes = std::size_t{256} << 20;
constexpr std::size_t kKeptEvents = 65536;
constexpr std::size_t kReplyReadBytes = std::size_t{64} << 10;
constexpr milliseconds kConnectRetry{5};
// Longer waits are shortened to this, so that the clock's arithmetic does not overflow.
constexpr milliseconds kLongestWait = std::chrono::hours(24 * 365);

steady_clock::time_point deadline_after(milliseconds timeout) {
  return steady_clock::now() + std::clamp(timeout, milliseconds(0), kLongestWait);
}

// Waits until the socket is ready for `events`; false: the deadline passed. A ready socket returns true even
// after the deadline.
bool wait_for(int socket, short events, steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd entry{.fd = socket, .events = events, .revents = 0};
    const int count = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX)));
    if (count > 0) return true;
    if (count == 0 && steady_clock::now() >= deadline) return false;
    if (count < 0 && errno != EINTR) return true;  // the next call on the socket reports the error
  }
}

base::Error timed_out() { return {.code = "timeout", .message = "no answer in time"}; }

base::Error lost(int error_number) {
  return {.code = "protocol",
          .message = "the connection broke: " + std::generic_category().message(error_number)};
}

}  // namespace

Client::Client(base::FileDescriptor socket) : socket_(std::move(socket)), framer_(kAnswerBytes) {}

base::Result<Client> Client::connect(const std::string& path, milliseconds timeout) {
  const auto deadline = deadline_after(timeout);
  while (true) {
    auto socket = connect_to(path);
    if (!socket) return socket.error();
    if (socket.value()) return Client(std::move(*socket.value()));
    // The queue of a Unix socket is full only briefly, and there is no event to wait for.
    if (steady_clock::now() >= deadline) return timed_out();
    std::this_thread::sleep_for(kConnectRetry);
  }
}

base::Result<nlohmann::json> Client::call(std::string_view method, const nlohmann::json& params,
                                          milliseconds timeout, std::span<const int> descriptors) {
  const auto deadline = deadline_after(timeout);
  const std::uint64_t id = next_id_++;
  if (auto sent = send(call_line(id, method, params), descriptors, deadline); !sent) return sent.error();
  while (true) {
    auto line = read_line(deadline);
    if (!line) return line.error();
    if (!line.value()) return timed_out();
    auto reply = parse_reply(*line.value());
    if (!reply) return reply.error();
    if (auto* event = std::get_if<Notification>(&reply.value())) {
      if (events_.size() >= kKeptEvents) {
        return base::Error{.code = "protocol", .message = "too many notifications before the answer"};
      }
      events_.push_back({.method = std::move(event->method), .params = event->params.dump()});
      continue;
    }
    auto& answer = std::get<Answer>(reply.value());
    // An error without an id concerns the connection, and ours is the only request on it. An answer with
    // another id belongs to an earlier call that timed out.
    if (answer.id == id || (answer.id.is_null() && !answer.outcome)) return std::move(answer.outcome);
  }
}

base::Result<std::optional<Event>> Client::next_event(milliseconds timeout) {
  const auto deadline = deadline_after(timeout);
  if (!events_.empty()) {
    Event event = std::move(events_.front());
    events_.erase(events_.begin());
    return std::optional<Event>(std::move(event));
  }
  while (true) {
    auto line = read_line(deadline);
    if (!line) return line.error();
    if (!line.value()) return std::optional<Event>();
    auto reply = parse_reply(*line.value());
    if (!reply) return reply.error();
    if (auto* event = std::get_if<Notification>(&reply.value())) {
      return std::optional<Event>({.method = std::move(event->method), .params = event->params.dump()});
    }
  }
}

base::Status Client::send(std::string_view line, std::span<const int> descriptors, Deadline deadline) {
  while (!line.empty()) {
    const ssize_t count = send_some(socket_.get(), line, descriptors);
    if (count >= 0) {
      line.remove_prefix(static_cast<std::size_t>(count));
      descriptors = {};  // sent with the first byte
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(socket_.get(), POLLOUT, deadline)) return timed_out();
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return base::ok_status();  // the server may have sent the reason before it closed: let the caller read
                                 // it
    } else if (errno != EINTR) {
      return lost(errno);
    }
  }
  return base::ok_status();
}

base::Result<std::optional<std::string>> Client::read_line(Deadline deadline) {
  std::vector<char> buffer;
  while (true) {
    if (const auto line = framer_.next()) return std::optional(std::string(*line));
    if (framer_.too_long()) {
      return base::Error{.code = "protocol", .message = "the answer is larger than 256 MiB"};
    }
    if (!wait_for(socket_.get(), POLLIN, deadline)) return std::optional<std::string>();
    buffer.resize(kReplyReadBytes);
    const Received received = receive(socket_.get(), buffer);
    if (received.bytes == 0) {
      return base::Error{.code = "protocol", .message = "the connection ended before the answer"};
    }
    if (received.bytes > 0) {
      framer_.append({buffer.data(), static_cast<std::size_t>(received.bytes)});
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      return lost(errno);
    }
  }
}

base::Result<nlohmann::json> call(const std::string& path, const std::string& method,
                                  const nlohmann::json& params, milliseconds timeout,
                                  std::span<const int> descriptors) {
  const auto start = steady_clock::now();
  auto client = Client::connect(path, timeout);
  if (!client) return client.error();
  const auto spent = std::chrono::floor<milliseconds>(steady_clock::now() - start);
  return client.value().call(method, params, timeout - spent, descriptors);
}

}  // namespace weir::rpc
