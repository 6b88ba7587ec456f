// Unusual ClientHellos, with a listed name, whole and in segments, and with an unlisted name.
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::from_hex;
using test::TlsHelloBuilder;

using Make = std::function<TlsHelloBuilder(std::string_view)>;

struct Row {
  std::string what;
  Make hello;
  std::string_view form = "~";
  std::string_view passed_form{};
  bool ech = false;
};

Scenario shapes() {
  Script script("DisguisedHellos");
  const auto typical = [] { return TlsHelloBuilder().typical(); };
  const std::vector<Row> rows{
      {"mixed case",
       [=](std::string_view name) {
         std::string upper(name);
         upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
         upper[7] = static_cast<char>(upper[7] - 'a' + 'A');
         return typical().sni(upper);
       }},
      {"trailing dot", [=](std::string_view name) { return typical().sni(std::string(name) + '.'); }},
      {"with a port", [=](std::string_view name) { return typical().sni(std::string(name) + ":443"); },
       "~:443"},
      {"the name first",
       [](std::string_view name) { return TlsHelloBuilder().sni(name).typical().alpn({"h2"}); }},
      {"the name last",
       [](std::string_view name) { return TlsHelloBuilder().alpn({"h2"}).typical().sni(name); }},
      {"padding before the name", [=](std::string_view name) { return typical().pad_to(1200).sni(name); }},
      {"a ticket of 4 KiB before the name",
       [=](std::string_view name) { return typical().extension(35, Bytes(4096, std::byte{7})).sni(name); }},
      {"a ticket of 14 KiB before the name",
       [=](std::string_view name) { return typical().extension(35, Bytes(14000, std::byte{7})).sni(name); }},
      {"the second of two names",
       [=](std::string_view name) {
         return typical().server_names({"www.example.org", name});
       },
       "~", "www.example.org"},
      {"the first of two names",
       [=](std::string_view name) {
         return typical().server_names({name, "www.example.org"});
       }},
      {"GREASE and Encrypted Client Hello",
       [=](std::string_view name) { return typical().grease().ech().sni(name); },
       "~",
       {},
       true},
      {"record version 0x0300",
       [=](std::string_view name) { return typical().record_version(0x0300).sni(name); }},
      {"record version 0x0304",
       [=](std::string_view name) { return typical().record_version(0x0304).sni(name); }},
      {"record version 0x03ff",
       [=](std::string_view name) { return typical().record_version(0x03ff).sni(name); }},
      {"of TLS 1.0", [=](std::string_view name) { return typical().legacy_version(0x0301).sni(name); }},
      {"resumed, with a session id",
       [=](std::string_view name) { return typical().session_id(32).sni(name); }},
  };
  for (const Row& row : rows) {
    const Shown shown{.protocol = "tls",
                      .form = row.form,
                      .answer = Answer::alert,
                      .passed_form = row.passed_form,
                      .ech = row.ech};
    const Around record = [&row](std::string_view name) { return row.hello(name).record(); };
    const Around records = [&row](std::string_view name) { return row.hello(name).records(100); };
    script.both(row.what, record, in_segments(), shown);
    script.both(row.what + ", in other segments", record,
                record(kListedName).size() > 1400 ? in_segments(true) : ordered({2, 0, 1}), shown);
    script.both(row.what + ", in records", records, in_segments(), shown);
  }
  return script.done();
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) test::append(all, part);
  return all;
}

Bytes times(std::size_t count, std::string_view hex) {
  Bytes all;
  for (std::size_t i = 0; i < count; ++i) test::append(all, from_hex(hex));
  return all;
}

/// Records before the hello, and between its pieces, of which the first has `first_bytes`.
struct Records {
  std::string what;
  Bytes before;
  std::size_t first_bytes = 0;  // 0: in one piece
  Bytes between{};
  std::uint16_t version = 0x0301;

  [[nodiscard]] Bytes around(std::string_view name) const {
    const Bytes message = TlsHelloBuilder().typical().sni(name).handshake();
    const auto record = [this](std::span<const std::byte> piece) {
      Bytes bytes = from_hex("16");
      test::append_integer(bytes, version, 2);
      test::append_integer(bytes, piece.size(), 2);
      test::append(bytes, piece);
      return bytes;
    };
    const auto all = std::span(message);
    if (first_bytes == 0) return joined({before, record(all)});
    return joined({before, record(all.first(first_bytes)), between, record(all.subspan(first_bytes))});
  }
};

/// What servers pass over, or do not look at, on their way to the whole hello.
Scenario skipped_records() {
  Script script("RecordsAroundAHello");
  constexpr std::string_view kEmpty = "1603010000";
  constexpr std::string_view kEmptyCipher = "1403010000";
  constexpr std::string_view kCipher = "140303000101";
  constexpr std::string_view kWarning = "1503010002015a";
  const std::vector<Records> rows{
      {"empty records of two kinds", joined({from_hex(kEmpty), from_hex(kEmptyCipher)})},
      {"an empty change_cipher_spec", from_hex(kEmptyCipher)},
      {"31 empty records", times(31, kEmpty)},
      {"700 empty records", times(700, kEmpty)},
      {"a change_cipher_spec", from_hex(kCipher)},
      {"warnings", times(5, kWarning)},
      {"an empty change_cipher_spec within the header", {}, 2, from_hex(kEmptyCipher)},
      {"an empty change_cipher_spec within the hello", {}, 60, from_hex(kEmptyCipher)},
      {"a change_cipher_spec within the hello", {}, 60, from_hex(kCipher)},
      {"warnings within the hello", from_hex(kWarning), 60, times(3, kWarning)},
      {"700 empty records within the hello", {}, 60, times(700, kEmpty)},
      {"record version 0x0505", {}, 0, {}, 0x0505},
      {"record version 0x0fff in two pieces", {}, 60, {}, 0x0fff},
      {"record version 0xffff", from_hex("15ffff0002015a"), 0, {}, 0xffff},
      {"record version 0x8000", {}, 60, from_hex("1680000000"), 0x8000},
  };
  for (const Records& row : rows) {
    const Around around = [&row](std::string_view name) { return row.around(name); };
    script.both(row.what, around, whole, kShownTls);
    script.both(row.what + ", in three segments", around, ordered({0, 1, 2}), kShownTls);
    script.both(row.what + ", the first one last", around, ordered({2, 1, 0}), kShownTls);
    if (row.around(kListedName).size() < 600) {
      script.both(row.what + ", byte by byte", around, one_byte_each, kShownTls);
    }
  }
  return script.done();
}

/// Lists of names that are no list of one host name.
Scenario odd_name_lists() {
  Script script("OddListsOfServerNames");
  const auto list = [&script](const std::string& what, std::string_view before, std::string_view after,
                              int length_off = 0) {
    const Around around = [=](std::string_view name) {
      Bytes entries = from_hex(before);
      test::append_integer(entries, name.size(), 2);
      test::append(entries, test::to_bytes(name));
      test::append(entries, from_hex(after));
      Bytes body;
      test::append_integer(body, entries.size() + static_cast<std::size_t>(length_off), 2);
      test::append(body, entries);
      return TlsHelloBuilder().typical().extension(0, body).record();
    };
    script.both(what, around, whole, kShownTls);
    script.both(what + ", in segments", around, ordered({1, 0, 2}), kShownTls);
  };
  list("a byte after the name", "00", "ff");
  list("half a name after the name", "00", "000009 6162");
  list("a list longer than the extension", "00", "", 9);
  list("a list of no length", "00", "", -21);
  list("an empty name of another type before it", "010000 00", "");
  return script.done();
}

/// A name of another type does not take the place of the address.
Scenario names_of_other_types() {
  const auto hello = [](std::string_view name, std::uint16_t port) {
    return client(port).payload(TlsHelloBuilder().typical().server_names({name}, 1).record()).build();
  };
  return {.name = "ServerNamesOfOtherTypes",
          .rules = {std::string(kListedName), "192.0.2.1:444"},
          .steps = {{"a listed name", hello(kListedName, 443), "drop_blocked", Answer::alert},
                    {"an unlisted name", hello(kUnlistedName, 445), "forward_passed"},
                    {"a listed address", hello(kUnlistedName, 444), "drop_blocked", Answer::alert}},
          .requests = {"1 tls block listed.example.com listed 1", "2 tls pass 192.0.2.1 no_match",
                       "3 tls block 192.0.2.1 listed 2"}};
}

}  // namespace

std::vector<Scenario> tls_disguise_scenarios() {
  return {shapes(), skipped_records(), odd_name_lists(), names_of_other_types()};
}

}  // namespace weir::scenario
