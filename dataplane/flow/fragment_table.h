#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/flow/source_shares.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::flow {

/// The result for one IP fragment.
enum class FragmentFate : std::uint8_t {
  kept,       // its packet is not complete yet
  untracked,  // no receiver can use it: no content, beyond the largest packet, a length that is not allowed
  duplicate,  // an exact copy of an earlier one
  complete,   // the last missing one
  overlap,    // it or an earlier one covers bytes of another fragment of the packet
  replaced,   // as overlap, but the packet need not be inspected: it has replaced the other fragment
  blocked,    // its packet was blocked
  full,       // there is no room for it, and incomplete packets are kept
};

/// What a fragment shows of the bytes that decide whether its packet must be inspected.
enum class FragmentStart : std::uint8_t {
  elsewhere,  // none of them
  harmless,   // all of them, and the packet need not be inspected, whatever the other fragments hold
  telling,    // some of them; or all, and the packet may have to be inspected
};

/// A handle of a packet in the table, valid as long as the packet is there.
struct FragmentedPacket {
  std::uint32_t index = 0;
  std::uint32_t serial = 0;
};

struct FragmentResult {
  FragmentFate fate = FragmentFate::untracked;
  FragmentedPacket packet{};           // when complete
  std::span<const std::byte> frame{};  // when complete: the whole packet, in the buffer of the caller
  std::size_t ip_offset = 0;           // of the packet in `frame`
};

/// Reassembles copies of the IP fragments of one worker; the fragments themselves are forwarded. IPv4 and
/// IPv6, in any order (RFC 791, 3.2; RFC 8200, 4.5). The constructor allocates all memory.
///
/// A fragment that overlaps another one and is not its exact copy spoils the packet (RFC 5722, here for both
/// families), because receivers disagree which bytes they use. A complete packet is remembered until it
/// expires or the memory is needed. A later fragment can still meet the earlier ones at a receiver that did
/// not get all of them, so it is compared with the same bytes.
///
/// With many fragmented packets the identifications of IPv4 repeat within that time (RFC 6864, 1). So this
/// rule applies only when the packet may have to be inspected, or its start, which tells that, has not been
/// seen. Otherwise the fragment begins another packet, in which the older bytes stand for the missing ones: a
/// receiver may have exactly those. Only a harmless start ever replaces a harmless one, so no selection of
/// the forwarded fragments makes a packet that must be inspected.
///
/// When memory runs out, complete packets are evicted first, then the oldest incomplete one of the source
/// that holds most (SourceShares); packets of which only the fact is kept that they were spoiled or blocked
/// count as incomplete. If incomplete packets are to be kept, none is evicted; instead a fragment that needs
/// room is `full`, and no source may take so much that the others find no room. Not thread safe.
class FragmentTable {
 public:
  /// Longest link header that is copied to a complete packet.
  static constexpr std::size_t kMaxLinkBytes = 256;
  /// What the buffer for a complete packet must hold: link header, IPv6 header, content.
  static constexpr std::size_t kBufferBytes = kMaxLinkBytes + 40 + 65535;
  /// How long receivers wait after the first fragment: Linux and the BSDs for IPv4; RFC 8200, 4.5 for IPv6.
  /// Here the time starts with the last forwarded one, because any of them may be the first to arrive.
  static constexpr std::chrono::seconds kIpv4Lifetime{30};
  static constexpr std::chrono::seconds kIpv6Lifetime{60};

  /// Takes about `memory_bytes`, but at least enough for two of the largest packets.
  /// `keep_incomplete`: an incomplete packet is never evicted for another one.
  explicit FragmentTable(std::size_t memory_bytes, bool keep_incomplete = false);

  /// Adds a packet of class fragment; `start` is the caller's judgement of it. When it completes its packet,
  /// the packet is written to `out` (kBufferBytes): the link header of the fragment (nothing, when the
  /// fragment is inside a tunnel or the header is longer than kMaxLinkBytes), an IP header without options,
  /// extension and fragment headers, and the content. The checksum of an IPv4 header is zero. O(bytes of the
  /// fragment), and of the packet when complete.
  FragmentResult add(const proto::PacketView& fragment, FragmentStart start, std::chrono::nanoseconds now,
                     std::span<std::byte> out) noexcept;

  /// Later fragments of this packet are `blocked`. Does nothing when the packet is no longer there.
  void block(const FragmentedPacket& packet) noexcept;

  /// Until let_go(), fragments of this packet are `blocked`: another worker is deciding about it.
  void hold(const FragmentedPacket& packet) noexcept;
  void let_go(const FragmentedPacket& packet) noexcept;

  /// Packets remembered.
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return packets_.size(); }
  /// Incomplete packets that were evicted before they expired, since construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kUnitBytes = 8;  // fragments begin at multiples of this
  static constexpr std::size_t kWordUnits = 64;
  static constexpr std::size_t kWordsInBlock = 2;
  static constexpr std::size_t kBlockBytes = kUnitBytes * kWordUnits * kWordsInBlock;
  static constexpr std::size_t kMostBlocks = 65536 / kBlockBytes;

  struct Key {
    proto::IpAddress source;
    proto::IpAddress destination;
    std::uint32_t identification = 0;
    std::uint8_t ip_protocol = 0;  // IPv4
    bool operator==(const Key&) const = default;
  };

  /// open: incomplete. passed: complete. spoiled, blocked: nothing is kept but the fact.
  enum class State : std::uint8_t { free, open, passed, spoiled, blocked };

  /// Content and, a bit a unit, which of it is there and where fragments begin.
  struct Block {
    std::array<std::byte, kBlockBytes> bytes;
    std::array<std::uint64_t, kWordsInBlock> present;
    std::array<std::uint64_t, kWordsInBlock> starts;
    std::uint32_t next_free;
  };

  struct Packet {
    Key key;
    State state = State::free;
    bool harmless = false;  // its start has been seen, and is
    bool held = false;
    std::uint8_t next_protocol = 0;
    std::uint32_t serial = 0;
    std::uint32_t total_bytes = 0;  // 0: the last fragment has not come
    std::uint32_t received_bytes = 0;
    std::uint32_t highest_bytes = 0;
    std::uint32_t block_count = 0;  // in `blocks`
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
    std::uint32_t next_in_bucket = kNone;
    std::chrono::nanoseconds last_seen{0};
    std::array<std::byte, 40> ip_header{};  // of the first fragment
    std::array<std::uint32_t, kMostBlocks> blocks{};
  };

  /// Packets of one kind; the one that was unseen longest is first.
  struct Queue {
    std::uint32_t oldest = kNone;
    std::uint32_t newest = kNone;
  };

  /// The bytes of a fragment, in units.
  struct Range {
    std::size_t first_unit;
    std::size_t last_unit;
    std::uint32_t end_bytes;
    std::span<const std::byte> content;
    bool last;
  };
  enum class Fit : std::uint8_t { fresh, duplicate, overlap };

  [[nodiscard]] static std::size_t packets_in(std::size_t memory_bytes) noexcept;
  [[nodiscard]] std::size_t bucket_of(const Key& key) const noexcept;
  std::uint32_t find(const Key& key, std::chrono::nanoseconds now) noexcept;
  std::uint32_t create(const Key& key, std::chrono::nanoseconds now) noexcept;
  void expire(std::chrono::nanoseconds now) noexcept;
  [[nodiscard]] bool expired(const Packet& packet, std::chrono::nanoseconds now) const noexcept;
  void evict_for_packet() noexcept;
  void evict_for_block(std::uint32_t keep) noexcept;
  void evict(std::uint32_t index) noexcept;
  void release(std::uint32_t index) noexcept;
  void release_blocks(Packet& packet) noexcept;
  /// Whether there is room for the bytes of the fragment in its packet (kNone: in a new one), and its source
  /// may take it.
  [[nodiscard]] bool has_room(const Key& key, std::uint32_t index, const Range& range) const noexcept;
  void close(std::uint32_t index, State state) noexcept;
  Queue& queue_of(State state) noexcept;
  void enqueue(std::uint32_t index, State state) noexcept;
  void dequeue(std::uint32_t index) noexcept;
  void link(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;
  void touch(std::uint32_t index, std::chrono::nanoseconds now) noexcept;

  [[nodiscard]] Fit fit_of(const Packet& packet, const Range& range) const noexcept;
  [[nodiscard]] bool same_content(const Packet& packet, const Range& range) const noexcept;
  void store(std::uint32_t index, const Range& range) noexcept;
  void replace(std::uint32_t index, const Range& range) noexcept;
  /// Drops the units from `first` on.
  void cut(Packet& packet, std::size_t first) noexcept;
  [[nodiscard]] std::uint32_t count_received(const Packet& packet) const noexcept;
  void note_start(Packet& packet, const proto::PacketView& fragment, FragmentStart start) noexcept;
  [[nodiscard]] FragmentResult assemble(std::uint32_t index, const proto::PacketView& fragment,
                                        std::span<std::byte> out) noexcept;

  std::vector<Packet> packets_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> buckets_;
  std::array<Queue, 3> queues_{};  // open; passed; spoiled and blocked
  SourceShares packet_shares_;     // of the packets that are not complete
  SourceShares block_shares_;      // of the open packets; their blocks are the weight
  bool keep_incomplete_;
  std::uint32_t free_packet_ = kNone;
  std::uint32_t free_block_ = kNone;
  std::uint64_t hash_seed_;
  std::uint64_t evictions_ = 0;
  std::uint32_t serial_ = 0;
  std::size_t used_ = 0;
};

}  // namespace weir::flow
