// Weir's inspection and libndpi's, on the same packets in the same process.
//
//   bench_ndpi [--rounds N] [CAPTURE...]     default: three generated captures, always the same
//   bench_ndpi --write CLIENTS SERVERS       writes generated mixed traffic for other programs, each side's
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/enforcement.h"
#include "dataplane/base/request.h"
#include "dataplane/counters/counters.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"
#include "tests/bench/micro/sizes.h"
#include "tests/bench/micro/test_rules.h"
#include "tests/bench/ndpi/captures.h"
#include "tests/bench/ndpi/ndpi_user.h"

namespace weir::bench {
namespace {

/// Processor time: other programs on the machine do not count.
std::chrono::nanoseconds processor_time() {
  std::timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The packets of a capture.
constexpr std::chrono::microseconds kBetweenPackets{1};

constexpr std::uint32_t kRules = 100'000;
constexpr std::size_t kConnections = 4096;        // of mixed traffic
constexpr std::size_t kWrittenConnections = 512;  // as many as the driver can load

/// Calls `function` for each frame, and prefetches the beginnings of the next frames as a driver does.
template <class Function>
void for_each_frame(std::span<const CapturedFrame> frames, const Function& function) {
  constexpr std::size_t kAhead = 8;
  constexpr std::size_t kCacheLineBytes = 64;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (i + kAhead < frames.size()) {
      const std::byte* next = frames[i + kAhead].bytes.data();
      __builtin_prefetch(next);
      __builtin_prefetch(next + kCacheLineBytes);
    }
    function(frames[i]);
  }
}

/// One way to inspect a capture. A round is begin(), every packet of the prologue, every timed packet.
struct Contender {
  std::string_view name;
  std::function<void()> begin;
  std::function<void(std::span<const CapturedFrame>, std::chrono::microseconds)> feed;
  std::function<std::string()> seen;
  std::vector<double> nanoseconds{};  // per packet, one value per round
};

class WeirUser {
 public:
  WeirUser(const match::SnapshotView& snapshot, bool directions)
      : snapshot_(snapshot), directions_(directions) {
    clear();
  }

  void clear() {
    counters_ = std::make_unique<base::Counters>();
    inspector_.reset();
    inspector_ = std::make_unique<inspect::Inspector>(inspect::InspectorSettings{}, *counters_);
  }

  /// In bursts, as in a worker.
  void feed(std::span<const CapturedFrame> frames, std::chrono::microseconds now) {
    std::size_t count = 0;
    for_each_frame(frames, [&](const CapturedFrame& frame) {
      Place& place = burst_[count];
      place.frame = &frame;
      place.flow_hash = 0;
      // Nothing is blocked here, so what passes unread now still does when its turn comes.
      place.unread = frame.link == proto::LinkType::ethernet &&
                     inspector_->passes_unread(proto::classify(frame.bytes, {}), direction_of(frame));
      if (!place.unread) {
        place.packet = proto::parse_packet(frame.bytes, frame.link);
        if (direction_of(frame) != inspect::Direction::from_network) {
          place.flow_hash = inspector_->prefetch(place.packet);
        }
      }
      if (++count < burst_.size()) return;
      inspect(std::span(burst_).first(count), now);
      count = 0;
    });
    inspect(std::span(burst_).first(count), now);
  }

  [[nodiscard]] std::string seen() const {
    std::string text = "requests:";
    for (const auto protocol : {base::Protocol::http, base::Protocol::tls, base::Protocol::quic}) {
      std::uint64_t count = 0;
      for (std::size_t i = 0; i < base::kRequestVerdicts.size(); ++i) {
        count += counters_->get(base::Counter::requests, base::index_of(protocol), i);
      }
      text += ' ' + std::to_string(count) + ' ' + std::string(to_string(protocol));
    }
    return text;
  }

 private:
  struct Place {
    const CapturedFrame* frame = nullptr;
    proto::PacketView packet;
    std::uint64_t flow_hash = 0;
    bool unread = false;
  };

  void inspect(std::span<const Place> burst, std::chrono::microseconds& now) {
    for (const Place& place : burst) inspector_->prefetch_flow(place.flow_hash);
    for (const Place& place : burst) {
      now += kBetweenPackets;
      if (place.unread) {
        counters_->add(base::Outcome::forward_not_candidate);
        continue;
      }
      const auto verdict = inspector_->inspect(place.packet, direction_of(*place.frame), now, &snapshot_,
                                               base::Enforcement::enforce);
      counters_->add(verdict.outcome);
    }
  }

  [[nodiscard]] inspect::Direction direction_of(const CapturedFrame& frame) const {
    if (!directions_) return inspect::Direction::unknown;
    return frame.from_client ? inspect::Direction::from_subscriber : inspect::Direction::from_network;
  }

  const match::SnapshotView& snapshot_;
  bool directions_;
  std::unique_ptr<base::Counters> counters_;
  std::unique_ptr<inspect::Inspector> inspector_;
  std::array<Place, 32> burst_;
};

Contender contender(std::string_view name, WeirUser& user) {
  return {.name = name,
          .begin = [&user] { user.clear(); },
          .feed = [&user](auto frames, auto now) { user.feed(frames, now); },
          .seen = [&user] { return user.seen(); }};
}

Contender contender(std::string_view name, NdpiUser& user) {
  return {.name = name,
          .begin = [&user] { user.clear(); },
          .feed =
              [&user](std::span<const CapturedFrame> frames, std::chrono::microseconds now) {
                for_each_frame(frames, [&](const CapturedFrame& frame) {
                  now += kBetweenPackets;
                  user.process(frame.bytes, frame.link,
                               std::chrono::duration_cast<std::chrono::milliseconds>(now));
                });
              },
          .seen =
              [&user] {
                const NdpiUser::Totals totals = user.totals();
                return "flows: " + std::to_string(totals.flows) + ", " + std::to_string(totals.decided) +
                       " decided, " + std::to_string(totals.http) + " http " + std::to_string(totals.tls) +
                       " tls " + std::to_string(totals.quic) + " quic, " + std::to_string(totals.named) +
                       " with a name";
              }};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void run_round(const Capture& capture, Contender& contender) {
  constexpr std::chrono::microseconds kStart{1'000'000};
  contender.begin();
  contender.feed(capture.prologue, kStart);
  const auto now = kStart + capture.prologue.size() * kBetweenPackets;
  const auto before = processor_time();
  contender.feed(capture.timed, now);
  const std::chrono::duration<double, std::nano> took = processor_time() - before;
  contender.nanoseconds.push_back(took.count() / static_cast<double>(capture.timed.size()));
}

void compare(const Capture& capture, const match::SnapshotView& snapshot, std::size_t rounds) {
  const std::size_t capacity = capture.prologue.size() + capture.timed.size();
  WeirUser inline_user(snapshot, true);
  WeirUser replay_user(snapshot, false);
  NdpiUser skipping(capacity, NdpiUser::Decided::skip);
  NdpiUser processing(capacity, NdpiUser::Decided::process);
  std::vector<Contender> contenders;
  if (capture.directions_known) contenders.push_back(contender("weir, inline", inline_user));
  contenders.push_back(contender("weir, replay", replay_user));
  contenders.push_back(contender("libndpi until decided", skipping));
  contenders.push_back(contender("libndpi, every packet", processing));
  // The first round warms up.
  for (std::size_t round = 0; round <= rounds; ++round) {
    for (Contender& one : contenders) {
      if (round == 1) one.nanoseconds.clear();
      run_round(capture, one);
    }
  }
  std::printf("%s: %zu packets timed, %zu before them, %zu rounds\n", capture.name.c_str(),
              capture.timed.size(), capture.prologue.size(), rounds);
  const double weir = median(contenders.front().nanoseconds);
  for (const Contender& one : contenders) {
    const double time = median(one.nanoseconds);
    std::printf("  %-22s %8.1f ns a packet, %5.1f times the first; %s\n", std::string(one.name).c_str(), time,
                time / weir, one.seen().c_str());
  }
}

int run(const std::vector<std::string>& arguments) {
  auto rounds = static_cast<std::size_t>(sizes({3}, {21}).back());
  std::vector<std::string> files;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--rounds" && i + 1 < arguments.size()) {
      const std::string& text = arguments[++i];
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), rounds);
      if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || rounds == 0) {
        std::fprintf(stderr, "bench_ndpi: --rounds needs a number above 0\n");
        return 2;
      }
    } else if (arguments[i] == "--write" && i + 2 < arguments.size()) {
      write_sides(mixed_traffic(kWrittenConnections), arguments[i + 1], arguments[i + 2]);
      return 0;
    } else if (!arguments[i].starts_with("--benchmark_")) {
      files.push_back(arguments[i]);
    }
  }
  const std::vector<std::byte> rules = build_numbered_snapshot(kRules);
  const match::SnapshotView snapshot = match::SnapshotView::open(rules).value();
  for (const std::string& file : files) compare(capture_file(file), snapshot, rounds);
  if (files.empty()) {
    compare(mixed_traffic(kConnections), snapshot, rounds);
    compare(decided_connections(1024, 48), snapshot, rounds);
    compare(first_packets(6000), snapshot, rounds);
  }
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  try {
    return weir::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_ndpi: %s\n", error.what());
    return 1;
  }
}
