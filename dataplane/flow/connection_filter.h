#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "dataplane/flow/flow.h"
#include "dataplane/proto/packet/classify.h"

namespace weir::flow {

/// A filter that tells with one read whether a connection may have been added: a connection is three bits of
/// one word, each with a counter, so that connections can be removed again. A `true` may be wrong, a `false`
/// is not. With 100 000 connections, 3 of 100 others look added; its words take 128 KiB, of which the words
/// of the connections in use are read. The hash is not secret: a client that aims at a word only slows down
/// its own packets. Not thread safe.
class ConnectionFilter {
 public:
  /// `connections`: about how many are added at most.
  explicit ConnectionFilter(std::size_t connections = 100'000)
      : word_bits_(static_cast<unsigned>(std::countr_zero(words_for(connections)))),
        words_(words_for(connections)),
        counts_(words_.size() * kWordBits) {}

  void add(const FlowKey& key) noexcept {
    const Place place = place_of(hash_of(key));
    for (const unsigned bit : place.bits) {
      std::uint8_t& count = counts_[place.word * kWordBits + bit];
      if (count != kStays) ++count;
    }
    words_[place.word] |= place.mask();
  }
  /// `key` must have been added.
  void remove(const FlowKey& key) noexcept {
    const Place place = place_of(hash_of(key));
    for (const unsigned bit : place.bits) {
      std::uint8_t& count = counts_[place.word * kWordBits + bit];
      if (count != kStays && --count == 0) words_[place.word] &= ~(std::uint64_t{1} << bit);
    }
  }
  /// `classification` is of TCP.
  [[nodiscard]] bool may_hold(const proto::FastClassification& classification) const noexcept {
    return holds(place_of(
        hash_of(classification.addresses, classification.source_port, classification.destination_port)));
  }
  [[nodiscard]] bool may_hold(const FlowKey& key) const noexcept { return holds(place_of(hash_of(key))); }

 private:
  static constexpr std::size_t kWordBits = 64;
  static constexpr std::size_t kMinWords = 16;
  static constexpr std::size_t kMaxWords = 16384;
  static constexpr std::size_t kConnectionsPerWord = 6;
  // A count that has reached this is not known any more: the bit stays.
  static constexpr std::uint8_t kStays = std::numeric_limits<std::uint8_t>::max();

  struct Place {
    std::size_t word;
    std::array<unsigned, 3> bits;
    [[nodiscard]] std::uint64_t mask() const noexcept {
      return std::uint64_t{1} << bits[0] | std::uint64_t{1} << bits[1] | std::uint64_t{1} << bits[2];
    }
  };

  static std::size_t words_for(std::size_t connections) noexcept {
    return std::clamp(std::bit_ceil(connections / kConnectionsPerWord), kMinWords, kMaxWords);
  }
  // The upper bits of a product depend on all bits of its factors: the topmost choose the word.
  [[nodiscard]] Place place_of(std::uint64_t hash) const noexcept {
    constexpr unsigned kBits = 63;
    return {.word = static_cast<std::size_t>(hash >> (64 - word_bits_)),
            .bits = {static_cast<unsigned>(hash >> 44 & kBits), static_cast<unsigned>(hash >> 38 & kBits),
                     static_cast<unsigned>(hash >> 32 & kBits)}};
  }
  [[nodiscard]] bool holds(const Place& place) const noexcept {
    return (~words_[place.word] & place.mask()) == 0;
  }

  // The addresses as in a packet, and ports; both overloads give the same.
  static std::uint64_t hash_of(std::span<const std::byte> addresses, std::uint16_t source_port,
                               std::uint16_t destination_port) noexcept {
    std::uint64_t hash = first_of(source_port, destination_port);
    for (std::size_t at = 0; at < addresses.size(); at += sizeof(std::uint64_t)) {
      hash = mixed(hash, addresses.data() + at);
    }
    return finished(hash);
  }
  static std::uint64_t hash_of(const FlowKey& key) noexcept {
    std::uint64_t hash = first_of(key.source_port, key.destination_port);
    if (key.source.is_v6) {
      for (const proto::IpAddress* address : {&key.source, &key.destination}) {
        hash = mixed(hash, address->bytes.data());
        hash = mixed(hash, address->bytes.data() + sizeof(std::uint64_t));
      }
      return finished(hash);
    }
    constexpr std::size_t kAddressBytes = 4;
    std::array<std::byte, 2 * kAddressBytes> both;
    std::memcpy(both.data(), key.source.bytes.data(), kAddressBytes);
    std::memcpy(both.data() + kAddressBytes, key.destination.bytes.data(), kAddressBytes);
    return finished(mixed(hash, both.data()));
  }
  static constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
  static std::uint64_t first_of(std::uint16_t source_port, std::uint16_t destination_port) noexcept {
    return (std::uint64_t{source_port} << 16 | destination_port) * kOdd;
  }
  static std::uint64_t mixed(std::uint64_t hash, const std::byte* at) noexcept {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    return (hash ^ word) * kOdd;
  }
  static std::uint64_t finished(std::uint64_t hash) noexcept { return (hash ^ hash >> 32) * kOdd; }

  unsigned word_bits_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint8_t> counts_;
};

}  // namespace weir::flow
