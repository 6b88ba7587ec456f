#include "control/formats/json_reader.h"

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weir::formats {
namespace {

// No honest document is nested deeper.
constexpr std::size_t kMaxDepth = 64;
// The parser keeps a whole token in memory.
constexpr std::size_t kMaxTokenBytes = std::size_t{1} << 20;

/// The bytes of a source one by one, as the JSON parser wants them.
class ByteStream {
 public:
  explicit ByteStream(BlockSource& source) : source_(source) { fetch(); }

  [[nodiscard]] bool ended() const noexcept { return block_.empty(); }
  [[nodiscard]] char get() const noexcept { return block_.front(); }
  void advance() {
    if (block_.front() == '\n') ++line_;
    block_.remove_prefix(1);
    if (++token_bytes_ > kMaxTokenBytes) {
      error_ = base::Error{"parse_json",
                           fmt::format("line {}: a value of more than {} bytes", line_, kMaxTokenBytes)};
      block_ = {};
    } else if (block_.empty()) {
      fetch();
    }
  }
  void start_token() noexcept { token_bytes_ = 0; }
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  [[nodiscard]] const std::optional<base::Error>& error() const noexcept { return error_; }

 private:
  void fetch() {
    auto next = source_.next();
    if (next) {
      block_ = next.value();
    } else {
      error_ = next.error();
      block_ = {};
    }
  }

  BlockSource& source_;
  std::string_view block_;
  std::size_t line_ = 1;
  std::size_t token_bytes_ = 0;
  std::optional<base::Error> error_;
};

class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  ByteIterator() = default;
  explicit ByteIterator(ByteStream& stream) : stream_(&stream) {}
  char operator*() const { return stream_->get(); }
  ByteIterator& operator++() {
    stream_->advance();
    return *this;
  }
  friend bool operator==(const ByteIterator& a, const ByteIterator& b) { return a.at_end() == b.at_end(); }
  friend bool operator!=(const ByteIterator& a, const ByteIterator& b) { return !(a == b); }

 private:
  [[nodiscard]] bool at_end() const { return stream_ == nullptr || stream_->ended(); }

  ByteStream* stream_ = nullptr;
};

/// A JSON pointer in parts. nullopt: any item of an array.
using Pointer = std::vector<std::optional<std::string>>;

Pointer parts_of(std::string_view pointer) {
  Pointer parts;
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::string_view raw = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(raw.size());
    std::string part;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const bool escape = raw[i] == '~' && i + 1 < raw.size();
      part.push_back(escape ? (raw[++i] == '1' ? '/' : '~') : raw[i]);
    }
    parts.emplace_back(std::move(part));
  }
  return parts;
}

/// Receives the events of the parser and tracks their place in the document.
class EntryFinder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  EntryFinder(const std::vector<JsonEntries>& entries, std::vector<JsonValue>& values, ByteStream& stream,
              rules::EntryParser& parser)
      : stream_(stream), values_(values) {
    for (const JsonEntries& each : entries) {
      Pointer entry = parts_of(each.pointer);
      const std::size_t items_depth = entry.size();
      entry.emplace_back(std::nullopt);
      for (auto& part : parts_of(each.item)) entry.push_back(std::move(part));
      pointers_.push_back(std::move(entry));
      arrays_.emplace_back(each, items_depth, parser);
    }
    for (const JsonValue& value : values) pointers_.push_back(parts_of(value.pointer));
    ways_ = (1U << pointers_.size()) - 1;
  }

  bool null() override { return value(nullptr); }
  bool boolean(bool) override { return value(nullptr); }
  bool number_integer(number_integer_t) override { return value(nullptr); }
  bool number_unsigned(number_unsigned_t number) override {
    keep_value(std::to_string(number), number);
    return value(nullptr);
  }
  bool number_float(number_float_t, const string_t&) override { return value(nullptr); }
  bool string(string_t& text) override {
    keep_value(text, std::nullopt);
    return value(&text);
  }
  bool binary(binary_t&) override { return value(nullptr); }
  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    stream_.start_token();
    frames_.back().key = std::move(name);
    return true;
  }
  // The library's message would quote the document.
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  /// The name of a missing array. None: all were found.
  [[nodiscard]] std::optional<std::string> missing() const {
    for (const Array& array : arrays_) {
      if (!array.is_found) return array.settings->name;
    }
    return std::nullopt;
  }
  [[nodiscard]] const std::optional<std::string>& problem() const noexcept { return problem_; }

 private:
  struct Array {
    Array(const JsonEntries& entries, std::size_t depth, rules::EntryParser& parser)
        : settings(&entries), items_depth(depth), taker(parser, entries.sink) {}

    const JsonEntries* settings;
    std::size_t items_depth;
    EntryTaker taker;
    bool is_found = false;
    unsigned entries_of_item = 0;
    std::string entry;
    std::size_t entry_line = 0;
  };

  struct Frame {
    bool is_array = false;
    unsigned ways = 0;  // a bit for each pointer that leads to this container or through it
    std::string key;
    std::size_t index = 0;
  };

  /// The pointers that lead to the next value, or through it.
  [[nodiscard]] unsigned ways_to_value() const {
    if (frames_.empty()) return ways_;
    const Frame& frame = frames_.back();
    const std::size_t depth = frames_.size() - 1;
    unsigned ways = 0;
    for (std::size_t i = 0; i < pointers_.size(); ++i) {
      if ((frame.ways >> i & 1U) == 0 || depth >= pointers_[i].size()) continue;
      const auto& part = pointers_[i][depth];
      const bool leads = !part            ? frame.is_array
                         : frame.is_array ? *part == std::to_string(frame.index)
                                          : *part == frame.key;
      if (leads) ways |= 1U << i;
    }
    return ways;
  }
  [[nodiscard]] bool is_at(std::size_t pointer) const {
    return frames_.size() == pointers_[pointer].size() && (ways_to_value() >> pointer & 1U) != 0;
  }
  [[nodiscard]] bool is_at_item(std::size_t array) const {
    return frames_.size() == arrays_[array].items_depth + 1 && (ways_to_value() >> array & 1U) != 0;
  }

  void step() {
    stream_.start_token();
    if (!frames_.empty()) ++frames_.back().index;
  }

  void keep_value(const std::string& text, std::optional<std::uint64_t> number) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (!is_at(arrays_.size() + i)) continue;
      values_[i].text = text;
      values_[i].number = number;
    }
  }

  bool value(const std::string* text) {
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      const bool is_item = is_at_item(i);
      if (is_at(i)) {
        arrays_[i].entries_of_item += text != nullptr ? 1 : 2;
        if (text != nullptr) arrays_[i].entry = *text;
        arrays_[i].entry_line = stream_.line();
      }
      if (is_item) end_item(arrays_[i]);
    }
    step();
    return true;
  }

  bool open(bool is_array) {
    const unsigned ways = ways_to_value();
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      Array& array = arrays_[i];
      if (frames_.size() == array.items_depth && (ways >> i & 1U) != 0) {
        if (!is_array) return stop(array.settings->name + " leads to a value that is not an array");
        if (array.is_found) return stop(array.settings->name + " leads to two arrays");
        array.is_found = true;
      }
      if (is_at(i)) array.entries_of_item += 2;  // a container instead of a string
    }
    if (frames_.size() >= kMaxDepth) return stop("nested too deeply");
    frames_.push_back({.is_array = is_array, .ways = ways, .key = {}, .index = 0});
    stream_.start_token();
    return true;
  }

  bool close() {
    frames_.pop_back();
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      if (is_at_item(i)) end_item(arrays_[i]);
    }
    step();
    return true;
  }

  void end_item(Array& array) const {
    if (array.entries_of_item == 1) {
      array.taker.take(array.entry, array.entry_line);
    } else {
      array.taker.refuse(stream_.line(), array.entries_of_item == 0
                                             ? "an item without json.url"
                                             : "an item whose json.url does not lead to one string");
    }
    array.entries_of_item = 0;
  }

  bool stop(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  ByteStream& stream_;
  std::vector<JsonValue>& values_;
  std::vector<Pointer> pointers_;  // of the arrays, then of the values
  std::vector<Array> arrays_;
  unsigned ways_ = 0;
  std::vector<Frame> frames_;
  std::optional<std::string> problem_;
};

base::Error json_error(std::size_t line, std::string_view what) {
  return {"parse_json", fmt::format("line {}: {}", line, what)};
}

}  // namespace

base::Status read_json_document(BlockSource& source, rules::EntryParser& parser,
                                const std::vector<JsonEntries>& entries, std::vector<JsonValue>& values) {
  ByteStream stream(source);
  if (!stream.ended() && stream.get() == '<')
    return base::Error{"parse_html", "a web page (HTML or XML), not a list"};
  EntryFinder finder(entries, values, stream, parser);
  const bool whole = nlohmann::json::sax_parse(ByteIterator(stream), ByteIterator(), &finder);
  if (stream.error()) return *stream.error();
  if (finder.problem()) return json_error(stream.line(), *finder.problem());
  if (!whole && stream.ended()) {
    return base::Error{"parse_truncated",
                       fmt::format("line {}: the JSON document ends early: truncated at its "
                                   "source?",
                                   stream.line())};
  }
  if (!whole) return json_error(stream.line(), "not valid JSON from here on");
  if (const auto missing = finder.missing())
    return json_error(stream.line(), *missing + " leads to no array");
  return base::ok_status();
}

base::Result<ListFacts> read_json(const config::ListSettings& settings, BlockSource& source,
                                  rules::EntryParser& parser, const EntrySink& sink) {
  const std::vector<JsonEntries> entries{
      {.name = "json.entries", .pointer = settings.json.entries, .item = settings.json.url, .sink = sink}};
  const bool has_serial = !settings.json.serial.empty();
  const bool has_token = !settings.delta.url.empty();
  std::vector<JsonValue> values;
  if (has_serial) values.push_back({.pointer = settings.json.serial, .text = {}, .number = {}});
  if (has_token) values.push_back({.pointer = settings.delta.token, .text = {}, .number = {}});
  const auto status = read_json_document(source, parser, entries, values);
  if (!status) return status.error();
  ListFacts facts;
  if (has_serial) facts.serial = values.front().number;
  if (has_token) facts.token = std::move(values.back().text);
  return facts;
}

}  // namespace weir::formats
