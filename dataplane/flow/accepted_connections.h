#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/flow/flow_key.h"

namespace weir::flow {

/// With which sequence numbers servers accepted connections, for all workers: the one that sees a SYN-ACK
/// need not be the one that decides what the client sends. A client that acknowledges what its server sent
/// receives it, so its address is not forged. The table has a fixed size; the seed of its hash is secret.
/// From any thread, without locks: a connection that two workers write at once may be lost, and then counts
/// as not accepted. All memory is taken at construction.
class AcceptedConnections {
 public:
  /// A client that has received more than this is not recognised: a guess hits with 1 in 64.
  static constexpr std::uint32_t kReceivedBytes = std::uint32_t{1} << 26;
  /// What servers send passes here if a SYN-ACK did within this time.
  static constexpr std::chrono::seconds kVisible{60};

  /// `connections`: about how many are open at a time.
  explicit AcceptedConnections(std::size_t connections);

  /// The server accepted `client`, and its first byte will have this number.
  void add(const FlowKey& client, std::uint32_t first_byte, std::chrono::nanoseconds now) noexcept;
  /// Whether `client` may be the one who receives what the server sends, if it acknowledges everything before
  /// `acknowledgement`. True of every client where what servers send takes another path.
  [[nodiscard]] bool may_acknowledge(const FlowKey& client, std::uint32_t acknowledgement,
                                     std::chrono::nanoseconds now) const noexcept;

 private:
  static constexpr std::size_t kWays = 2;
  /// The upper half of the hash, then the number. 0: free.
  using Word = std::atomic<std::uint64_t>;

  [[nodiscard]] std::size_t set_of(std::uint64_t hash) const noexcept;

  std::vector<Word> words_;
  std::uint64_t seed_;
  std::atomic<std::int64_t> last_added_;  // nanoseconds
};

}  // namespace weir::flow
