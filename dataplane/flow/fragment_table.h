#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::flow {

/// What became of one IP fragment.
enum class FragmentFate : std::uint8_t {
  kept,       // its packet is not complete
  untracked,  // no receiver puts it together with anything: no content, beyond the largest packet, ragged
  duplicate,  // an exact copy of one that was seen
  complete,   // the last one that was missing
  overlap,    // it, or one before it, covers bytes that another fragment of the packet covers
  replaced,   // as overlap, but in a packet that is not to be inspected: it stands in the other one's place
  blocked,    // of a packet that was blocked
};

/// What a fragment shows of the bytes that tell whether its packet may have to be inspected.
enum class FragmentStart : std::uint8_t {
  elsewhere,  // none of them
  harmless,   // all of them: it need not be, whatever the other fragments hold
  telling,    // some of them, or it may have to be
};

/// Names a packet in the table for as long as it is there.
struct FragmentedPacket {
  std::uint32_t index = 0;
  std::uint32_t serial = 0;
};

struct FragmentResult {
  FragmentFate fate = FragmentFate::untracked;
  FragmentedPacket packet{};           // complete
  std::span<const std::byte> frame{};  // complete: the whole packet, in the caller's buffer
  std::size_t ip_offset = 0;           // of it in `frame`
};

/// Puts the IP fragments of one worker together, in a copy: the fragments themselves go their way. IPv4 and
/// IPv6, in any order (RFC 791, 3.2; RFC 8200, 4.5). All memory is taken by the constructor.
///
/// A fragment that overlaps another one, unless it is its exact copy, spoils its packet (RFC 5722, here for
/// both families): receivers do not agree which bytes they would take. A complete packet is remembered until
/// its time is up or the memory is needed: what comes for it later can still meet earlier fragments at a
/// receiver that never got all of them, so it is held against the same bytes.
///
/// Identifications of IPv4 come round within that time where many packets are cut up (RFC 6864, 1), so this
/// holds only where a packet may have to be inspected, or where its start, which tells, has not been seen.
/// Else the fragment begins another packet, in which the older bytes stand for what is missing: a receiver
/// may have just those. Only a harmless start is ever put in the place of a harmless one, so no choice among
/// the fragments that were forwarded makes a packet that would have to be inspected.
///
/// When memory runs out, complete packets go first, then the oldest incomplete one. Not thread safe.
class FragmentTable {
 public:
  /// Longest link header that is put in front of a complete packet.
  static constexpr std::size_t kMaxLinkBytes = 256;
  /// What the buffer for a complete packet must hold: link header, IPv6 header, content.
  static constexpr std::size_t kBufferBytes = kMaxLinkBytes + 40 + 65535;
  /// How long receivers wait from the first fragment on: Linux and the BSDs for IPv4; RFC 8200, 4.5. Here it
  /// counts from the last one that was forwarded: any of them may be the first that gets there.
  static constexpr std::chrono::seconds kIpv4Lifetime{30};
  static constexpr std::chrono::seconds kIpv6Lifetime{60};

  /// About `memory_bytes` in all, at least what two of the largest packets need.
  explicit FragmentTable(std::size_t memory_bytes);

  /// Takes in a packet of class fragment; `start` is what the caller makes of it. When it completes its
  /// packet, that is written to `out` (kBufferBytes): the fragment's link header (nothing, where it is inside
  /// a tunnel or longer than kMaxLinkBytes), an IP header without options, extension and fragment headers,
  /// the content. The checksum in an IPv4 header is zero. O(bytes of the fragment), and of the packet when
  /// complete.
  FragmentResult add(const proto::PacketView& fragment, FragmentStart start, std::chrono::nanoseconds now,
                     std::span<std::byte> out) noexcept;

  /// What comes of this packet from now on is `blocked`; nothing when it is no longer there.
  void block(const FragmentedPacket& packet) noexcept;

  /// Until let_go(), what comes of this packet is `blocked`: it is being decided elsewhere.
  void hold(const FragmentedPacket& packet) noexcept;
  void let_go(const FragmentedPacket& packet) noexcept;

  /// Packets remembered.
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return packets_.size(); }
  /// Packets that were forgotten before their time and before they were complete, since construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kUnitBytes = 8;  // fragments begin at multiples of it
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
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
    std::uint32_t next_in_bucket = kNone;
    std::chrono::nanoseconds last_seen{0};
    std::array<std::byte, 40> ip_header{};  // of the first fragment
    std::array<std::uint32_t, kMostBlocks> blocks{};
  };

  /// Packets of one kind, the one that was silent for longest first.
  struct Queue {
    std::uint32_t oldest = kNone;
    std::uint32_t newest = kNone;
  };

  /// The bytes that a fragment brings, in units.
  struct Range {
    std::size_t first_unit;
    std::size_t last_unit;
    std::uint32_t end_bytes;
    std::span<const std::byte> content;
    bool last;
  };
  enum class Fit : std::uint8_t { fresh, duplicate, overlap };

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
  void close(std::uint32_t index, State state) noexcept;
  Queue& queue_of(State state) noexcept;
  void enqueue(std::uint32_t index, State state) noexcept;
  void dequeue(std::uint32_t index) noexcept;
  void touch(std::uint32_t index, std::chrono::nanoseconds now) noexcept;

  [[nodiscard]] Fit fit_of(const Packet& packet, const Range& range) const noexcept;
  [[nodiscard]] bool same_content(const Packet& packet, const Range& range) const noexcept;
  void store(std::uint32_t index, const Range& range) noexcept;
  void replace(std::uint32_t index, const Range& range) noexcept;
  /// Forgets the units from `first` on.
  void cut(Packet& packet, std::size_t first) noexcept;
  [[nodiscard]] std::uint32_t count_received(const Packet& packet) const noexcept;
  void note_start(Packet& packet, const proto::PacketView& fragment, FragmentStart start) noexcept;
  [[nodiscard]] FragmentResult assemble(std::uint32_t index, const proto::PacketView& fragment,
                                        std::span<std::byte> out) noexcept;

  std::vector<Packet> packets_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> buckets_;
  std::array<Queue, 3> queues_{};  // open; passed; spoiled and blocked
  std::uint32_t free_packet_ = kNone;
  std::uint32_t free_block_ = kNone;
  std::uint64_t hash_seed_;
  std::uint64_t evictions_ = 0;
  std::uint32_t serial_ = 0;
  std::size_t used_ = 0;
};

}  // namespace weir::flow
