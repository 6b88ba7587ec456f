#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "dataplane/flow/flow.h"
#include "dataplane/proto/packet/classify.h"

namespace weir::flow {

/// A filter of 2 KiB that tells with one read whether a connection may have been added: a set of bits, each
/// with a counter, so that connections can be removed again. A `true` may be wrong, a `false` is not. The
/// hash is not secret: a client that aims at a bit only slows down its own packets. Not thread safe.
class ConnectionFilter {
 public:
  ConnectionFilter() : counts_(kPlaces) {}

  void add(const FlowKey& key) noexcept {
    const std::size_t place = place_of(key);
    ++counts_[place];
    bits_[place / kWordBits] |= std::uint64_t{1} << place % kWordBits;
  }
  /// `key` must have been added.
  void remove(const FlowKey& key) noexcept {
    const std::size_t place = place_of(key);
    if (--counts_[place] == 0) bits_[place / kWordBits] &= ~(std::uint64_t{1} << place % kWordBits);
  }
  /// `classification` is of TCP.
  [[nodiscard]] bool may_hold(const proto::FastClassification& classification) const noexcept {
    const std::size_t place =
        place_of(classification.addresses, classification.source_port, classification.destination_port);
    return (bits_[place / kWordBits] >> place % kWordBits & 1U) != 0;
  }

 private:
  static constexpr std::size_t kPlaceBits = 14;
  static constexpr std::size_t kPlaces = std::size_t{1} << kPlaceBits;
  static constexpr std::size_t kWordBits = 64;

  static std::size_t place_of(std::span<const std::byte> addresses, std::uint16_t source_port,
                              std::uint16_t destination_port) noexcept {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
    std::uint64_t hash = std::uint64_t{source_port} << 16 | destination_port;
    for (std::size_t at = 0; at < addresses.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t word;
      std::memcpy(&word, addresses.data() + at, sizeof(word));
      hash = (hash * kOdd) ^ word;
    }
    return static_cast<std::size_t>(hash * kOdd >> (64 - kPlaceBits));
  }
  static std::size_t place_of(const FlowKey& key) noexcept {
    std::array<std::byte, 32> addresses;
    const auto source = key.source.span();
    const auto destination = key.destination.span();
    std::memcpy(addresses.data(), source.data(), source.size());
    std::memcpy(addresses.data() + source.size(), destination.data(), destination.size());
    return place_of(std::span(addresses).first(source.size() + destination.size()), key.source_port,
                    key.destination_port);
  }

  std::array<std::uint64_t, kPlaces / kWordBits> bits_{};
  std::vector<std::uint32_t> counts_;
};

}  // namespace weir::flow
