#include "control/formats/rpz_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "dataplane/base/ascii.h"

namespace weir::formats {
namespace {

// Of a record. Later words do not matter.
constexpr std::size_t kMaxWords = 16;
constexpr std::size_t kMaxWordBytes = 1024;
constexpr std::size_t kMaxRecordLines = 1000;

constexpr std::array<std::string_view, 3> kClasses{"in", "ch", "hs"};
// DNSSEC records, which are about the zone and not about the name.
constexpr std::array<std::string_view, 6> kOfTheZone{"rrsig", "nsec", "nsec3", "nsec3param", "dnskey", "ds"};
constexpr std::array<std::string_view, 4> kOtherTriggers{"rpz-ip", "rpz-client-ip", "rpz-nsdname",
                                                         "rpz-nsip"};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), base::ascii_lower);
  return lower;
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// `300` or `1h30m`.
bool is_ttl(std::string_view word) {
  return !word.empty() && base::ascii_digit(word.front()) &&
         word.find_first_not_of("0123456789smhdwSMHDW") == std::string_view::npos;
}

}  // namespace

RpzReader::RpzReader(rules::EntryParser& parser, const EntrySink& sink)
    : taker_(parser, sink), lines_([this](const rules::LineSplitter::Line& line) { take_line(line); }) {}

base::Status RpzReader::feed(std::string_view block) {
  lines_.feed(block);
  if (failure_) return *failure_;
  return base::ok_status();
}

base::Status RpzReader::finish() {
  lines_.finish();
  if (depth_ != 0) {
    fail("parse_truncated", fmt::format("the parenthesis that line {} opens is not closed: truncated at its "
                                        "source?",
                                        line_));
  }
  if (!zone_) fail("parse_zone", "no SOA record: is this a zone?");
  if (failure_) return *failure_;
  return base::ok_status();
}

void RpzReader::take_line(const rules::LineSplitter::Line& line) {
  if (failure_) return;
  if (depth_ == 0) {
    words_.clear();
    line_ = line.number;
    has_owner_ = !line.text.empty() && line.text.front() != ' ' && line.text.front() != '\t';
  } else if (line.number - line_ > kMaxRecordLines) {
    return fail("parse_zone", fmt::format("the parenthesis that line {} opens is not closed within {} lines",
                                          line_, kMaxRecordLines));
  }
  const bool whole = split(line.text);
  if (line.is_cut || !whole) {
    depth_ = 0;
    // A following line without a name belongs to this record's owner, which is unknown.
    owner_.reset();
    taker_.refuse(line_, line.is_cut ? "the line is too long" : "an unbalanced quote or parenthesis");
    return;
  }
  if (depth_ == 0 && !words_.empty()) take_record();
}

/// Adds the words of a line to those of the record (RFC 1035, section 5.1). False: unbalanced quote or
/// parenthesis.
bool RpzReader::split(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == ';') return true;
    if (c == ' ' || c == '\t' || c == '\r') {
      ++i;
      continue;
    }
    if (c == '(' || c == ')') {
      if (c == ')' && depth_ == 0) return false;
      depth_ = c == '(' ? depth_ + 1 : depth_ - 1;
      ++i;
      continue;
    }
    const bool quoted = c == '"';
    std::size_t end = quoted ? i + 1 : i;
    while (end < text.size()) {
      const char at = text[end];
      if (quoted ? at == '"' : std::string_view(" \t\r;()\"").find(at) != std::string_view::npos) break;
      end += at == '\\' ? 2 : 1;
    }
    if (quoted && end >= text.size()) return false;
    end = std::min(quoted ? end + 1 : end, text.size());
    if (words_.size() < kMaxWords) words_.emplace_back(text.substr(i, std::min(end - i, kMaxWordBytes)));
    i = end;
  }
  return true;
}

void RpzReader::take_record() {
  if (has_owner_ && words_[0].starts_with('$')) return take_directive();
  std::size_t at = 0;
  if (has_owner_) {
    owner_ = absolute(words_[0]);
    at = 1;
  }
  while (at < words_.size() && (is_ttl(words_[at]) || is_one_of(kClasses, lower_case(words_[at])))) ++at;
  if (at >= words_.size()) return taker_.refuse(line_, "a record without a type");
  const std::string type = lower_case(words_[at]);
  if (type == "soa") return take_soa(at + 1);
  if (!zone_) {
    return fail("parse_zone", fmt::format("line {}: a record before the SOA: is this a zone?", line_));
  }
  if (!owner_)
    return taker_.refuse(line_, "no usable owner name: an escape in it, or an absolute name without $ORIGIN");
  if (*owner_ == *zone_) return;
  std::string_view trigger = *owner_;
  if (!zone_->empty()) {
    if (!trigger.ends_with("." + *zone_)) return taker_.refuse(line_, "a name outside the zone");
    trigger.remove_suffix(zone_->size() + 1);
  }
  take_trigger(trigger, type, at + 1 < words_.size() ? lower_case(words_[at + 1]) : std::string());
}

void RpzReader::take_directive() {
  const std::string name = lower_case(words_[0]);
  if (name == "$ttl") return;
  if (name != "$origin") return taker_.refuse(line_, "an unsupported directive");
  // `.`: the names that follow are complete, as BIND writes them at the start of a zone.
  const bool root = words_.size() > 1 && words_[1] == ".";
  const auto origin = root                ? std::optional<std::string>(std::string())
                      : words_.size() > 1 ? absolute(words_[1])
                                          : std::nullopt;
  if (!origin) return fail("parse_zone", fmt::format("line {}: $ORIGIN without a usable name", line_));
  origin_ = *origin;
}

void RpzReader::take_soa(std::size_t data) {
  constexpr std::size_t kSerialWord = 2;
  std::uint32_t serial = 0;
  const std::string word = data + kSerialWord < words_.size() ? words_[data + kSerialWord] : std::string();
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), serial);
  if (!owner_ || word.empty() || error != std::errc{} || end != word.data() + word.size())
    return fail("parse_zone", fmt::format("line {}: an SOA without a name or serial", line_));
  if (!zone_) {
    zone_ = *owner_;
    // Without $ORIGIN, names are relative to the zone.
    if (!origin_) origin_ = zone_;
    serial_ = serial;
  } else if (owner_ != zone_ || serial_ != serial) {  // a zone transfer repeats the SOA at its end
    fail("parse_zone", fmt::format("line {}: a second SOA that differs from the first", line_));
  }
}

void RpzReader::take_trigger(std::string_view trigger, const std::string& type, const std::string& data) {
  if (is_one_of(kOfTheZone, type)) return;
  if (is_one_of(kOtherTriggers, trigger.substr(trigger.rfind('.') + 1)))
    return taker_.refuse(line_, "a trigger by address or name server; only names can be blocked");
  if (type == "cname") {
    const std::string_view policy = std::string_view(data).substr(0, data.find('.'));
    if (data.empty()) return taker_.refuse(line_, "a CNAME without a target");
    if (policy == "rpz-passthru" || (data.ends_with('.') && data.substr(0, data.size() - 1) == trigger))
      return taker_.refuse(line_, "PASSTHRU; use `weirctl add --allow` for exceptions");
    if (policy == "rpz-tcp-only") return taker_.refuse(line_, "TCP-only, which blocks nothing");
  }
  const bool below = trigger.starts_with("*.");
  if (below) trigger.remove_prefix(2);
  taker_.take_name(trigger, below ? rules::RuleKind::subdomains : rules::RuleKind::host, line_);
}

/// The absolute name: in lower case, with the origin if it was relative, without the final dot. None:
/// unusable.
std::optional<std::string> RpzReader::absolute(std::string_view name) const {
  if (name == "@") return origin_.value_or("");
  if (name.find_first_of("\\\"") != std::string_view::npos) return std::nullopt;
  std::string full = lower_case(name);
  if (full.ends_with('.')) {
    full.pop_back();
    // If the zone has no name, an absolute name cannot be split into trigger and zone.
    if (full.empty() || (zone_ && zone_->empty())) return std::nullopt;
    return full;
  }
  return origin_.value_or("").empty() ? full : full + "." + *origin_;
}

void RpzReader::fail(const char* code, std::string message) {
  if (!failure_) failure_ = base::Error{code, std::move(message)};
}

base::Result<ListFacts> read_rpz(const config::ListSettings&, BlockSource& source, rules::EntryParser& parser,
                                 const EntrySink& sink) {
  RpzReader reader(parser, sink);
  auto status = read_blocks(source, [&](std::string_view block) { return reader.feed(block); });
  if (status) status = reader.finish();
  if (!status) return status.error();
  return ListFacts{.token = {}, .serial = reader.serial()};
}

}  // namespace weir::formats
