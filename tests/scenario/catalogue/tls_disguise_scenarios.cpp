// Unusual ClientHellos, with a listed name, whole and in segments, and with an unlisted name.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

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

}  // namespace

std::vector<Scenario> tls_disguise_scenarios() { return {shapes()}; }

}  // namespace weir::scenario
