#include "dataplane/rpc/connection.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>

#include "dataplane/rpc/unix_socket.h"

namespace weir::rpc {
namespace {

class ChannelResponder final : public Responder {
 public:
  ChannelResponder(std::shared_ptr<Channel> channel, nlohmann::json id, bool wants_answer)
      : channel_(std::move(channel)), id_(std::move(id)), answered_(!wants_answer) {
    channel_->begin_request();
  }
  ChannelResponder(const ChannelResponder&) = delete;
  ChannelResponder& operator=(const ChannelResponder&) = delete;
  ~ChannelResponder() override {
    fail({.code = "internal", .message = "the request was dropped without an answer"});
    channel_->end_request();
  }

  void result(const nlohmann::json& value) override {
    if (answered_.exchange(true)) return;
    std::string line = result_line(id_, value);
    if (line.size() > channel_->limit_bytes()) {
      line = error_line(id_, {.code = "response_too_large",
                              .message = fmt::format("the answer has {} bytes, the limit is {}: request less",
                                                     line.size(), channel_->limit_bytes())});
    }
    channel_->post(line);
  }

  void fail(const base::Error& error) override {
    if (!answered_.exchange(true)) channel_->post(error_line(id_, error));
  }

  void notify(std::string_view method, const nlohmann::json& params) override {
    channel_->post(notification_line(method, params));
  }

  [[nodiscard]] bool alive() const override { return channel_->alive(); }
  [[nodiscard]] std::size_t unsent_bytes() const override { return channel_->unsent_bytes(); }

 private:
  const std::shared_ptr<Channel> channel_;
  const nlohmann::json id_;
  std::atomic<bool> answered_;
};

}  // namespace

Connection::Connection(std::uint64_t id, base::FileDescriptor socket, const std::shared_ptr<Waker>& waker,
                       const ServerLimits& limits)
    : limits_(limits),
      socket_(std::move(socket)),
      channel_(std::make_shared<Channel>(id, waker, limits.unsent_bytes)),
      peer_(peer_of(socket_.get())),
      framer_(limits.line_bytes) {}

Connection::~Connection() { channel_->close(); }

bool Connection::on_events(std::uint32_t events, std::span<char> buffer, const Handler& handler) {
  const bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if ((events & EPOLLIN) != 0 || gone) {
    // One read per round, so that no client starves the others. If the client is gone, read all it left.
    do {
      if (!may_read() || !read_once(buffer)) break;
      serve_lines(handler);
    } while (gone);
  }
  return !gone && settle();
}

bool Connection::on_ready(const Handler& handler) {
  channel_->acknowledge();
  serve_lines(handler);
  return settle();
}

std::uint32_t Connection::interest() const noexcept {
  return (may_read() ? std::uint32_t{EPOLLIN} : 0U) | (sending_ ? std::uint32_t{EPOLLOUT} : 0U);
}

void Connection::refuse(const base::Error& error) {
  channel_->post(error_line(nullptr, error));
  static_cast<void>(channel_->flush(socket_.get()));
  reading_ = false;
}

bool Connection::may_read() const noexcept {
  return reading_ && channel_->requests() < limits_.requests_per_client;
}

// False: there was nothing to read.
bool Connection::read_once(std::span<char> buffer) {
  Received received = receive(socket_.get(), buffer);
  if (received.bytes > 0) {
    const auto bytes = buffer.first(static_cast<std::size_t>(received.bytes));
    attach(std::move(received.descriptors), bytes);
    framer_.append({bytes.data(), bytes.size()});
    return true;
  }
  const bool later = received.bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  if (!later) reading_ = false;
  return false;
}

// A recvmsg stops after the bytes that the descriptors were sent with (unix(7)), and may begin with earlier
// bytes. So the descriptors belong to the line of the last byte.
void Connection::attach(std::vector<base::FileDescriptor> descriptors, std::span<const char> bytes) {
  const auto line_feeds = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  const std::uint64_t line = lines_received_ + line_feeds - (bytes.back() == '\n' ? 1 : 0);
  lines_received_ += line_feeds;
  for (base::FileDescriptor& descriptor : descriptors) {
    const auto held = std::count_if(pending_.begin(), pending_.end(),
                                    [line](const PendingDescriptor& each) { return each.line == line; });
    if (static_cast<std::size_t>(held) >= kMaxDescriptors) break;  // closes the rest
    pending_.push_back({.line = line, .descriptor = std::move(descriptor)});
  }
}

void Connection::serve_lines(const Handler& handler) {
  while (channel_->requests() < limits_.requests_per_client) {
    const auto line = framer_.next();
    if (!line) break;
    serve(*line, descriptors_of(lines_served_++), handler);
  }
  if (framer_.too_long() && reading_) {
    refuse({.code = "invalid_request",
            .message = fmt::format("the line is longer than {} bytes", limits_.line_bytes)});
  }
}

void Connection::serve(std::string_view line, std::vector<base::FileDescriptor> descriptors,
                       const Handler& handler) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  auto parsed = parse_call(line);
  if (const auto* rejection = std::get_if<Rejection>(&parsed)) {
    if (rejection->wants_answer) channel_->post(error_line(rejection->id, rejection->error));
    return;
  }
  auto& call = std::get<Call>(parsed);
  const auto responder = std::make_shared<ChannelResponder>(channel_, std::move(call.id), call.wants_answer);
  std::string method = call.method;
  Request request{.method = std::move(call.method),
                  .params = std::make_shared<const nlohmann::json>(std::move(call.params)),
                  .peer = peer_,
                  .descriptors = std::move(descriptors)};
  // An exception in a handler fails only that request.
  try {
    handler(std::move(request), responder);
  } catch (const std::exception& fault) {
    responder->fail({.code = "internal", .message = fmt::format("{} failed: {}", method, fault.what())});
  }
}

std::vector<base::FileDescriptor> Connection::descriptors_of(std::uint64_t line) {
  std::vector<base::FileDescriptor> result;
  while (!pending_.empty() && pending_.front().line == line) {
    result.push_back(std::move(pending_.front().descriptor));
    pending_.pop_front();
  }
  return result;
}

// Sends as much as possible; false: the connection has nothing more to do.
bool Connection::settle() {
  const bool busy = channel_->requests() > 0;  // before the flush: an answer precedes the end of its request
  const auto flushed = channel_->flush(socket_.get());
  if (flushed == Channel::Flushed::broken) return false;
  sending_ = flushed == Channel::Flushed::part;
  return reading_ || busy || sending_;
}

}  // namespace weir::rpc
