#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scenario/scenario.h"

namespace weir::scenario {

inline constexpr std::uint32_t kFirst = 1000;  // sequence number of a connection's first byte
inline constexpr std::string_view kListedName = "listed.example.com";
inline constexpr std::string_view kUnlistedName = "passed.example.com";

/// Makes the same stream around either of the two names.
using Around = std::function<Bytes(std::string_view)>;
using Disguise = std::function<void(PacketBuilder&)>;

/// One piece of a connection's stream, and its disguise.
struct Piece {
  std::size_t begin = 0;
  std::size_t end = 0;
  Disguise disguise{};
};
/// Splits a stream of a given size into pieces, in sending order.
using Cut = std::function<std::vector<Piece>(std::size_t)>;

/// How weir-replay prints the request at the end of a stream.
struct Shown {
  std::string_view protocol = "http";
  std::string_view form = "~/";  // ~ stands for the name
  Answer answer = Answer::page;
  std::string_view passed_form{};  // of the unlisted request, if it differs
  bool ech = false;
};
inline constexpr Shown kShownTls{.protocol = "tls", .form = "~", .answer = Answer::alert};

/// One frame of a connection that is given frame by frame.
struct Sent {
  std::string what;
  Bytes frame;
  std::string outcome;
  Answer answer = Answer::none;
  std::vector<std::string> requests{};  // completed by the frame
  std::optional<std::uint32_t> server_next{};
  std::optional<std::uint32_t> client_end{};
};

/// Builds a scenario connection by connection, each from its own port. The list contains kListedName.
class Script {
 public:
  explicit Script(std::string name);

  /// Adds a connection that sends `stream` in pieces. The last piece sent completes a request for the listed
  /// or the unlisted name.
  void connection(const std::string& what, const Bytes& stream, const std::vector<Piece>& pieces, bool listed,
                  const Shown& shown = {});
  /// Adds two connections with the same disguise, one per name.
  void both(const std::string& what, const Around& stream, const Cut& cut, const Shown& shown = {});
  /// Adds frames from the last new_port(), after a SYN if `syn`.
  void exchange(const std::string& what, const std::vector<Sent>& frames, bool syn = true);

  void add(Step step) { scenario_.steps.push_back(std::move(step)); }
  std::uint16_t new_port() { return next_port_++; }
  /// Expects that the previous step completed this request.
  void expect_request(std::string_view text);
  void settings(std::string yaml) { scenario_.settings = std::move(yaml); }
  void rules(std::vector<std::string> rules) { scenario_.rules = std::move(rules); }
  [[nodiscard]] Scenario done() const { return scenario_; }

 private:
  Scenario scenario_;
  std::uint16_t next_port_ = 2000;
};

/// Replaces each ~ of the text by `name`.
std::string with_name(std::string text, std::string_view name);
Around text_around(std::string text);
Bytes http_around(std::string_view name);
Bytes hello_around(std::string_view name);
/// For example `PROTOCOL block NAME/ listed 1`.
std::string shown_request(bool listed, const Shown& shown = {});

/// Equal pieces, sent in the given order.
std::vector<Piece> in_pieces(std::size_t size, std::size_t count, const std::vector<std::size_t>& order);
Cut ordered(std::vector<std::size_t> order);
/// Segments of 1400 bytes, as on the wire, in order or the last one first.
Cut in_segments(bool backward = false);
std::vector<Piece> one_byte_each(std::size_t size);
std::vector<Piece> whole(std::size_t size);

}  // namespace weir::scenario
