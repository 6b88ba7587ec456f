#include "control/ctl/commands/self_test.h"

#include <array>
#include <ctime>

#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/text_table.h"
#include "control/storage/durable_file.h"
#include "control/storage/signature.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

constexpr std::size_t kMostFileBytes = 1U << 20;
constexpr mode_t kReadable = 0644;

/// Prints the self-test for people.
int print_result(const Session& session, const json& answer) {
  const bool passed = answer.value("passed", false);
  session.out() << (passed ? session.good("self-test passed") : session.bad("self-test FAILED"))
                << fmt::format(": generation {}, workers {}, enforcement {}\n", cell(answer, "generation"),
                               cell(answer, "workers"), printable(cell(answer, "enforcement")));
  const json error = answer.value("error", json());
  if (error.is_object()) session.out() << "problem: " << printable(error.value("message", "")) << '\n';
  for (const json& problem : answer.value("problems", json::array())) {
    session.out() << "problem: " << printable(problem.get<std::string>()) << '\n';
  }
  const json protocols = answer.value("protocols", json::object());
  for (const auto& [protocol, success] : protocols.items()) {
    session.out() << fmt::format(
        "{:<6} {}\n", protocol,
        success.get<bool>() ? "the canary is blocked, the unlisted host passes" : session.bad("failed"));
  }
  for (const json& protocol : answer.value("not_inspected", json::array())) {
    session.out() << fmt::format("{:<6} not inspected (dataplane.inspect)\n", protocol.get<std::string>());
  }
  return passed ? kDone : kFailed;
}

std::string default_file() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 40> text{};
  ::gmtime_r(&now, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "weir-selftest-%Y-%m-%d.json", &parts)};
}

int write_certificate(const Session& session, const Given& given, std::ostream& errors) {
  const auto answer = session.call("selftest.certificate", json::object());
  if (!answer) return report_error(session, answer.error(), errors);
  const std::string file = given.has("output") ? given.text("output") : default_file();
  if (const auto written = storage::write_durably(file, answer.value().dump(2) + "\n", kReadable); !written) {
    return report_error(session, written.error(), errors);
  }
  const json document = json::parse(answer.value().value("text", ""));
  const json self_test = document.value("self_test", json::object());
  const bool passed = self_test.value("passed", false);
  const std::string key = storage::key_fingerprint(answer.value().value("public_key", ""));
  if (session.json()) {
    session.out() << json{{"file", file}, {"passed", passed}, {"key", key}}.dump(2) << '\n';
    return passed ? kDone : kFailed;
  }
  session.out() << fmt::format("signed report: {}\nkey: {}\n\n", printable(file), key);
  return print_result(session, self_test);
}

base::Result<storage::SignedText> read_certificate(const std::string& file) {
  const auto content = storage::read_whole(file, kMostFileBytes);
  if (!content) return content.error();
  const json parsed = json::parse(content.value(), nullptr, false);
  storage::SignedText certificate;
  const auto take = [&parsed](const char* key, std::string& to) {
    const bool there = parsed.is_object() && parsed.contains(key) && parsed[key].is_string();
    if (there) to = parsed[key].get<std::string>();
    return there;
  };
  if (!take("text", certificate.text) || !take("signature", certificate.signature) ||
      !take("public_key", certificate.public_key)) {
    return base::Error{"damaged", fmt::format("{}: not a report of weirctl selftest --certificate", file)};
  }
  return certificate;
}

int verify_certificate(const Session& session, const Given& given, std::ostream& errors) {
  const auto certificate = read_certificate(given.text("check-certificate"));
  if (!certificate) return report_error(session, certificate.error(), errors);
  std::string trusted = certificate.value().public_key;
  if (given.has("key")) {
    const auto key = storage::read_whole(given.text("key"), kMostFileBytes);
    if (!key) return report_error(session, key.error(), errors);
    trusted = key.value();
  }
  if (const auto good = storage::verify_text(certificate.value(), trusted); !good) {
    return report_error(session, good.error(), errors);
  }
  // Parsed and printed anew: a text that somebody else signed could contain anything.
  const json document = json::parse(certificate.value().text, nullptr, false);
  if (document.is_discarded()) {
    return report_error(session, {"damaged", "the signature is good, but the text is not JSON"}, errors);
  }
  const std::string fingerprint = storage::key_fingerprint(trusted);
  if (session.json()) {
    session.out() << json{{"signature", "good"}, {"key", fingerprint}, {"report", document}}.dump(2) << '\n';
    return kDone;
  }
  session.out() << session.good("the signature is good") << ": key " << fingerprint
                << (given.has("key") ? ""
                                     : " from the file: compare it with the one that the operator gave you")
                << "\n\n"
                << document.dump(2) << '\n';
  return kDone;
}

}  // namespace

bool self_test_needs_socket(const Given& given) { return !given.has("check-certificate"); }

int run_self_test(const Session& session, const Given& given, std::ostream& errors) {
  if (given.has("check-certificate")) return verify_certificate(session, given, errors);
  if (given.has("certificate")) return write_certificate(session, given, errors);
  const auto answer = session.call("selftest", json::object());
  if (!answer) return report_error(session, answer.error(), errors);
  if (!session.json()) return print_result(session, answer.value());
  session.out() << answer.value().dump(2) << '\n';
  return answer.value().value("passed", false) ? kDone : kFailed;
}

}  // namespace weir::ctl
