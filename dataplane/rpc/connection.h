#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/base/file_descriptor.h"
#include "dataplane/rpc/channel.h"
#include "dataplane/rpc/line_framer.h"
#include "dataplane/rpc/message.h"
#include "dataplane/rpc/server.h"

namespace weir::rpc {

/// One client of the server. Only for the server's thread.
class Connection {
 public:
  Connection(std::uint64_t id, base::FileDescriptor socket, const std::shared_ptr<Waker>& waker,
             const ServerLimits& limits);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] int socket() const noexcept { return socket_.get(); }
  [[nodiscard]] bool idle() const noexcept { return channel_->requests() == 0; }
  [[nodiscard]] std::size_t buffered_bytes() const noexcept { return framer_.buffered_bytes(); }

  /// Handles epoll's `events`; `buffer` is scratch space. False: the connection is over.
  bool on_events(std::uint32_t events, std::span<char> buffer, const Handler& handler);
  /// Something was posted to the channel, or a request ended. False: the connection is over.
  bool on_ready(const Handler& handler);
  /// The events that epoll should wait for.
  [[nodiscard]] std::uint32_t interest() const noexcept;
  /// Sends an error that belongs to no request, as far as the socket accepts it, and stops reading.
  void refuse(const base::Error& error);

 private:
  struct PendingDescriptor {
    std::uint64_t line;
    base::FileDescriptor descriptor;
  };

  [[nodiscard]] bool may_read() const noexcept;
  bool read_once(std::span<char> buffer);
  void attach(std::vector<base::FileDescriptor> descriptors, std::span<const char> bytes);
  void serve_lines(const Handler& handler);
  void serve(std::string_view line, std::vector<base::FileDescriptor> descriptors, const Handler& handler);
  std::vector<base::FileDescriptor> descriptors_of(std::uint64_t line);
  bool settle();

  const ServerLimits limits_;
  base::FileDescriptor socket_;
  std::shared_ptr<Channel> channel_;
  Peer peer_;
  LineFramer framer_;
  std::uint64_t lines_received_ = 0;  // LFs received: the number of the current incoming line
  std::uint64_t lines_served_ = 0;    // the number of the line to serve next
  std::deque<PendingDescriptor> pending_;
  bool reading_ = true;   // false after the end of the stream, or after refuse()
  bool sending_ = false;  // the socket did not accept everything
};

}  // namespace weir::rpc
