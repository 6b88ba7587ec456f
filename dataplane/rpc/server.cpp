#include "dataplane/rpc/server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <list>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dataplane/rpc/channel.h"
#include "dataplane/rpc/connection.h"

namespace weir::rpc {
namespace {

constexpr std::uint64_t kListenerKey = 0;
constexpr std::uint64_t kWakerKey = 1;
constexpr std::uint64_t kFirstConnection = 2;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr int kAcceptsPerRound = 64;

base::FileDescriptor spare_descriptor() {
  return base::FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

class EpollServer final : public Server {
 public:
  EpollServer(Listener listener, base::FileDescriptor epoll, std::shared_ptr<Waker> waker, Handler handler,
              ServerLimits limits)
      : listener_(std::move(listener)),
        epoll_(std::move(epoll)),
        waker_(std::move(waker)),
        handler_(std::move(handler)),
        limits_(limits),
        spare_(spare_descriptor()),
        buffer_(kReadBytes) {}

  void run_once(std::chrono::milliseconds timeout) override {
    std::array<epoll_event, 64> events{};
    const auto wait = std::clamp<std::int64_t>(timeout.count(), 0, INT_MAX);
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(wait));
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kListenerKey) {
        accept_waiting();
      } else if (event.data.u64 == kWakerKey) {
        for (const std::uint64_t id : waker_->take()) on_ready(id);
      } else {
        on_events(event.data.u64, event.events);
      }
    }
  }

  void wake() override { waker_->wake(); }

 private:
  friend class weir::rpc::Server;

  struct Client {
    std::unique_ptr<Connection> connection;
    std::list<std::uint64_t>::iterator place;  // in by_activity_
    std::uint32_t interest = 0;
  };
  using Clients = std::unordered_map<std::uint64_t, Client>;

  bool watch(int descriptor, std::uint64_t key, std::uint32_t interest, int operation) noexcept {
    epoll_event event{};
    event.events = interest;
    event.data.u64 = key;
    return ::epoll_ctl(epoll_.get(), operation, descriptor, &event) == 0;
  }

  void on_events(std::uint64_t id, std::uint32_t events) {
    const auto client = clients_.find(id);
    if (client == clients_.end()) return;  // its connection ended earlier in this round
    Connection& connection = *client->second.connection;
    if ((events & EPOLLIN) != 0) by_activity_.splice(by_activity_.end(), by_activity_, client->second.place);
    const std::size_t before = connection.buffered_bytes();
    const bool open = connection.on_events(events, buffer_, handler_);
    account(before, connection);
    const bool too_much = connection.buffered_bytes() > before && buffered_bytes_ > limits_.buffered_bytes;
    if (open && too_much) {
      connection.refuse({.code = "busy", .message = "too many incomplete requests at once: try again"});
    }
    conclude(client, open && !too_much);
  }

  void on_ready(std::uint64_t id) {
    const auto client = clients_.find(id);
    if (client == clients_.end()) return;
    Connection& connection = *client->second.connection;
    const std::size_t before = connection.buffered_bytes();
    const bool open = connection.on_ready(handler_);
    account(before, connection);
    conclude(client, open);
  }

  void account(std::size_t before, const Connection& connection) noexcept {
    buffered_bytes_ += connection.buffered_bytes();
    buffered_bytes_ -= before;
  }

  void conclude(Clients::iterator client, bool open) {
    const std::uint32_t interest = client->second.connection->interest();
    if (open && interest != client->second.interest) {
      open = watch(client->second.connection->socket(), client->first, interest, EPOLL_CTL_MOD);
      client->second.interest = interest;
    }
    if (!open) remove(client);
  }

  void remove(Clients::iterator client) {
    buffered_bytes_ -= client->second.connection->buffered_bytes();
    by_activity_.erase(client->second.place);
    clients_.erase(client);
  }

  void accept_waiting() {
    for (int i = 0; i < kAcceptsPerRound; ++i) {
      base::FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket) {
        admit(std::move(socket));
      } else if (errno == EMFILE || errno == ENFILE) {
        turn_away_one();
        return;
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return;
      }
    }
  }

  // No descriptor is left for accept(): without this, the client in the queue would keep epoll awake forever.
  void turn_away_one() {
    spare_.reset();
    const base::FileDescriptor refused(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    spare_ = spare_descriptor();
  }

  void admit(base::FileDescriptor socket) {
    if (clients_.size() >= limits_.clients && !make_room()) {
      send_some(socket.get(),
                error_line(nullptr, {.code = "busy", .message = "too many clients: try again"}));
      return;
    }
    const std::uint64_t id = next_id_++;
    const int descriptor = socket.get();
    auto connection = std::make_unique<Connection>(id, std::move(socket), waker_, limits_);
    const std::uint32_t interest = connection->interest();
    if (!watch(descriptor, id, interest, EPOLL_CTL_ADD)) return;
    const auto place = by_activity_.insert(by_activity_.end(), id);
    clients_.emplace(id, Client{.connection = std::move(connection), .place = place, .interest = interest});
  }

  bool make_room() {
    const auto idlest = std::find_if(by_activity_.begin(), by_activity_.end(),
                                     [this](std::uint64_t id) { return clients_.at(id).connection->idle(); });
    if (idlest == by_activity_.end()) return false;
    remove(clients_.find(*idlest));
    return true;
  }

  Listener listener_;
  base::FileDescriptor epoll_;
  std::shared_ptr<Waker> waker_;
  Handler handler_;
  const ServerLimits limits_;
  base::FileDescriptor spare_;
  std::vector<char> buffer_;
  std::uint64_t next_id_ = kFirstConnection;
  std::list<std::uint64_t> by_activity_;  // the client that was silent longest is first
  Clients clients_;
  std::size_t buffered_bytes_ = 0;
};

}  // namespace

base::Result<std::unique_ptr<Server>> Server::listen(const std::string& path, unsigned file_mode,
                                                     Handler handler, ServerLimits limits) {
  auto listener = Listener::open(path, file_mode);
  if (!listener) return listener.error();
  auto waker = Waker::make();
  if (!waker) return waker.error();
  base::FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  auto server = std::make_unique<EpollServer>(std::move(listener).value(), std::move(epoll),
                                              std::move(waker).value(), std::move(handler), limits);
  if (!server->epoll_ || !server->watch(server->listener_.get(), kListenerKey, EPOLLIN, EPOLL_CTL_ADD) ||
      !server->watch(server->waker_->get(), kWakerKey, EPOLLIN, EPOLL_CTL_ADD)) {
    return base::Error{.code = "socket",
                       .message = "cannot wait for clients: " + std::generic_category().message(errno)};
  }
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace weir::rpc
