#include "control/proof/self_test.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/metrics/metrics.h"
#include "control/storage/durable_file.h"
#include "control/storage/signature.h"
#include "tests/support/scratch.h"

namespace weir::control {
namespace {

using nlohmann::json;

json result(const std::string& protocol, bool listed, const std::string& outcome, unsigned lcore = 1) {
  return {{"protocol", protocol}, {"listed", listed}, {"outcome", outcome}, {"lcore", lcore}};
}

json answer(std::vector<json> results, json not_inspected = json::array()) {
  return {{"results", std::move(results)}, {"not_inspected", std::move(not_inspected)}};
}

const json kSilent{{"protocol", "http"}, {"listed", true}, {"error", "worker_silent"}, {"lcore", 3}};

TEST(SelfTest, PassesOnlyIfEveryRequestHadItsOutcome) {
  struct Case {
    std::string what;
    json answer;
    bool passed;
    std::vector<std::string> problems;
  };
  const std::vector<Case> cases{
      {"everything as it should be",
       answer({result("http", true, "drop_blocked"), result("http", false, "forward_passed"),
               result("tls", true, "drop_blocked"), result("tls", false, "forward_passed")}),
       true,
       {}},
      {"a canary that passes",
       answer({result("http", true, "drop_blocked"), result("tls", true, "forward_passed", 2)}),
       false,
       {"tls on lcore 2: the canary was not blocked (forward_passed)"}},
      {"one worker of two",
       answer({result("http", true, "drop_blocked", 1), result("http", true, "forward_no_list", 2)}),
       false,
       {"http on lcore 2: the canary was not blocked (forward_no_list)"}},
      {"what is not listed is blocked",
       answer({result("quic", false, "drop_blocked")}),
       false,
       {"quic on lcore 1: the unlisted host did not pass (drop_blocked)"}},
      {"a stalled worker", answer({kSilent}), false, {"http on lcore 3: the worker does not answer"}},
      {"nothing is inspected", answer({}, {"http", "tls", "quic"}), false, {"no protocol is inspected"}},
  };
  for (const Case& test : cases) {
    const auto findings = judge_self_test(test.answer);
    ASSERT_TRUE(findings) << test.what;
    EXPECT_EQ(findings.value().passed(), test.passed) << test.what;
    EXPECT_EQ(findings.value().problems, test.problems) << test.what;
  }
}

TEST(SelfTest, AnotherAnswerIsAnError) {
  for (const json& other :
       {json(), json(7), json::object(), json{{"results", 1}, {"not_inspected", json::array()}},
        answer({json{{"listed", "yes"}}}), answer({json::object()})}) {
    const auto findings = judge_self_test(other);
    ASSERT_FALSE(findings) << other;
    EXPECT_EQ(findings.error().code, "selftest_answer");
    EXPECT_FALSE((SelfTestReport{.findings = findings}).passed());
  }
}

TEST(SelfTest, ReportsForClients) {
  const json none = self_test_json(nullptr);
  EXPECT_EQ(none["passed"], false);
  EXPECT_EQ(none["time"], nullptr) << "no test was made yet";
  SelfTestReport report{.time_unix_seconds = 77,
                        .generation = 5,
                        .enforcement = base::Enforcement::monitor,
                        .findings = judge_self_test(answer({result("tls", true, "drop_blocked")}, {"quic"}))};
  const json passed = self_test_json(&report);
  EXPECT_EQ(passed["passed"], true);
  EXPECT_EQ(passed["time"], 77);
  EXPECT_EQ(passed["generation"], 5);
  EXPECT_EQ(passed["enforcement"], "monitor");
  EXPECT_EQ(passed["protocols"], (json{{"tls", true}}));
  EXPECT_EQ(passed["not_inspected"], json::array({"quic"}));
  EXPECT_EQ(passed["error"], nullptr);
  report.findings = base::Error{"dataplane_down", "nobody answers"};
  const json failed = self_test_json(&report);
  EXPECT_EQ(failed["passed"], false);
  EXPECT_EQ(failed["error"]["code"], "dataplane_down");
  EXPECT_EQ(failed.size(), none.size());
}

TEST(SelfTest, ItsMetrics) {
  SelfTestReport report{.time_unix_seconds = 77,
                        .findings = judge_self_test(answer(
                            {result("http", true, "drop_blocked"), result("tls", true, "forward_passed")}))};
  const auto families = self_test_metrics(report);
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].name, "weir_selftest_success");
  ASSERT_EQ(families[0].metric.size(), 2U);
  EXPECT_EQ(families[0].metric[0].label[0].value, "http");
  EXPECT_EQ(families[0].metric[0].gauge.value, 1);
  EXPECT_EQ(families[0].metric[1].gauge.value, 0);
  EXPECT_EQ(families[1].metric[0].gauge.value, 77);
  report.findings = base::Error{"dataplane_down", "nobody answers"};
  const auto failed = self_test_metrics(report);
  ASSERT_EQ(failed[0].metric.size(), 3U);
  for (const auto& metric : failed[0].metric) EXPECT_EQ(metric.gauge.value, 0);
}

TEST(Signature, HoldsForItsTextAndKeyAlone) {
  const test::Scratch scratch;
  const auto key_file = scratch / "key";
  const auto signed_text = storage::sign_text("what was found", key_file);
  ASSERT_TRUE(signed_text.ok()) << signed_text.error().message;
  const storage::SignedText& good = signed_text.value();
  EXPECT_TRUE(storage::verify_text(good, good.public_key).ok());
  const auto status = std::filesystem::status(key_file).permissions();
  EXPECT_EQ(status, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);

  // The key stays: a later report has the same one.
  const auto again = storage::sign_text("what was found", key_file);
  EXPECT_EQ(again.value().public_key, good.public_key);
  EXPECT_EQ(storage::key_fingerprint(again.value().public_key), storage::key_fingerprint(good.public_key));

  const auto code = [](const storage::SignedText& text, std::string_view key) {
    const auto verified = storage::verify_text(text, key);
    return verified.ok() ? std::string() : verified.error().code;
  };
  storage::SignedText changed = good;
  changed.text += ' ';
  EXPECT_EQ(code(changed, good.public_key), "signature_bad");
  changed = good;
  changed.signature[3] = changed.signature[3] == 'A' ? 'B' : 'A';
  EXPECT_EQ(code(changed, good.public_key), "signature_bad");
  for (const char* signature :
       {"", "AAAA",
        "not base64 at all, but as long as a signature has to be, so that it is looked at ....."}) {
    changed.signature = signature;
    EXPECT_EQ(code(changed, good.public_key), "signature_bad") << signature;
  }
  const auto other = storage::sign_text("what was found", scratch / "other");
  EXPECT_EQ(code(good, other.value().public_key), "signature_bad");
  EXPECT_EQ(code(good, "no key"), "key_unusable");
}

TEST(Signature, RefusesAKeyThatIsNone) {
  const test::Scratch scratch;
  const auto file = scratch / "key";
  ASSERT_TRUE(storage::write_durably(file, std::string_view("-----BEGIN NOTHING-----\n"), 0600).ok());
  const auto made = storage::sign_text("text", file);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, "key_unusable");
  EXPECT_EQ(storage::read_whole(file, 100).value(), "-----BEGIN NOTHING-----\n") << "it is not written over";
}

}  // namespace
}  // namespace weir::control
