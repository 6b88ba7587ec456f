#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "control/ctl/command.h"
#include "control/ctl/text_table.h"
#include "control/storage/audit_chain.h"
#include "tests/support/scratch.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

/// What a command prints for an answer.
struct Printed {
  std::string text;
  int status = 0;
};

const RemoteCall& remote(const char* command) { return std::get<RemoteCall>(find_command(command)->action); }

Printed print(const char* command, const json& answer, const Given& given = {}) {
  std::ostringstream out;
  const Session session("/nowhere", false, false, out);
  const int status = remote(command).print(session, given, answer);
  return {out.str(), status};
}

TEST(Commands, EachHasHelpAndIsCompleted) {
  const std::string help = command_help();
  const std::string completion = bash_completion();
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_FALSE(command.help.empty()) << command.name;
    EXPECT_NE(help.find(command.name), std::string::npos) << command.name;
    EXPECT_NE(completion.find("\n    " + std::string(command.name)), std::string::npos) << command.name;
    EXPECT_EQ(find_command(command.name), &command);
    for (const Option& option : command.options) {
      EXPECT_NE(help.find("--" + std::string(option.name)), std::string::npos) << option.name;
      EXPECT_NE(completion.find("--" + std::string(option.name)), std::string::npos) << option.name;
    }
  }
  EXPECT_EQ(find_command("nonsense"), nullptr);
  EXPECT_EQ(find_command(""), nullptr);
}

TEST(Commands, OldNamesStillWork) {
  EXPECT_EQ(find_command("mode"), find_command("enforcement"));
  EXPECT_EQ(find_command("unsuspend"), find_command("reset"));
  const std::string help = command_help();
  EXPECT_NE(help.find("\n  mode MODE "), std::string::npos) << help;
  EXPECT_EQ(help.find("unsuspend"), std::string::npos) << help;
}

TEST(Commands, HelpFitsATerminal) {
  std::string help = command_help();
  for (const Command& command : commands()) {
    EXPECT_FALSE(command.details.empty()) << command.name;
    EXPECT_NE(command.example.find("weir"), std::string::npos) << command.name;
    help += command_help(command);
  }
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(Commands, HelpOfOneCommand) {
  EXPECT_EQ(command_help(*find_command("mode")),
            "Usage: weirctl enforcement MODE\n"
            "\n"
            "  enforcement MODE            enforce, monitor or bypass, until a restart\n"
            "  mode                        another name\n"
            "\n"
            "enforce blocks listed requests. monitor counts them and lets them pass. bypass\n"
            "forwards every packet uninspected. When the dataplane restarts,\n"
            "dataplane.enforcement applies again.\n"
            "\n"
            "Example:\n"
            "  weirctl enforcement bypass\n");
}

TEST(Commands, CompletionRunsInBash) {
  const std::string script =
      bash_completion() +
      "\nCOMP_WORDS=(weirctl --socket x enf); COMP_CWORD=3; _weirctl; echo \"${COMPREPLY[*]}\""
      "\nCOMP_WORDS=(weirctl enforcement b); COMP_CWORD=2; _weirctl; echo \"${COMPREPLY[*]}\""
      "\nCOMP_WORDS=(weirctl mode m); COMP_CWORD=2; _weirctl; echo \"${COMPREPLY[*]}\""
      "\nCOMP_WORDS=(weirctl add --al); COMP_CWORD=2; _weirctl; echo \"${COMPREPLY[*]}\""
      "\nCOMP_WORDS=(weirctl compile /etc/hostna); COMP_CWORD=2; _weirctl; echo \"${COMPREPLY[*]}\"\n";
  char file[] = "/tmp/weir-completion-XXXXXX";
  const int descriptor = ::mkstemp(file);
  ASSERT_GE(descriptor, 0);
  FILE* stream = ::fdopen(descriptor, "w");
  std::fputs(script.c_str(), stream);
  std::fclose(stream);
  FILE* bash = ::popen((std::string("bash ") + file + " 2>&1").c_str(), "r");
  ASSERT_NE(bash, nullptr);
  std::string output;
  std::array<char, 256> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), bash) != nullptr) output += buffer.data();
  EXPECT_EQ(::pclose(bash), 0);
  std::remove(file);
  EXPECT_EQ(output, "enforcement\nbypass\nmonitor\n--allow\n/etc/hostname\n");
}

TEST(Commands, RequestsCarryTheArguments) {
  struct Case {
    const char* command;
    Given given;
    json params;  // null: a usage error
  };
  const std::vector<Case> cases{
      {"status", {}, json::object()},
      {"reload", {{"hotline"}, {{"dry-run", ""}}}, {{"list", "hotline"}, {"dry_run", true}}},
      {"add", {{"x.example"}, {}}, {{"entry", "x.example"}, {"action", "block"}}},
      {"add",
       {{"x.example"}, {{"allow", ""}, {"list", "l"}, {"comment", "c"}, {"expires", "7d"}, {"confirm", ""}}},
       {{"entry", "x.example"},
        {"action", "allow"},
        {"list", "l"},
        {"comment", "c"},
        {"expires", "7d"},
        {"confirm", true}}},
      {"remove", {{"17"}, {}}, {{"id", 17}}},
      {"remove", {{"x.example"}, {{"list", "l"}}}, {{"entry", "x.example"}, {"list", "l"}}},
      {"remove", {{"17.example"}, {}}, {{"entry", "17.example"}}},
      {"rules", {{"l"}, {{"limit", "5"}, {"entries", ""}}}, {{"list", "l"}, {"limit", 5}, {"entries", true}}},
      {"rules", {{}, {{"limit", "x"}}}, nullptr},
      {"rollback", {}, json::object()},
      {"rollback", {{"12"}, {}}, {{"generation", 12}}},
      {"rollback", {{"-1"}, {}}, nullptr},
      {"enforcement", {{"monitor"}, {}}, {{"mode", "monitor"}}},
      {"mode", {{"monitor"}, {}}, {{"mode", "monitor"}}},
      {"reset", {}, json::object()},
      {"reset", {{"12"}, {}}, {{"rule", 12}}},
      {"reset", {{"all"}, {}}, nullptr},
      {"latency", {{"on"}, {}}, {{"enabled", true}}},
      {"latency", {{"off"}, {}}, {{"enabled", false}}},
      {"latency", {{"maybe"}, {}}, nullptr},
  };
  for (const Case& each : cases) {
    const auto request = remote(each.command).request(each.given);
    if (each.params.is_null()) {
      EXPECT_FALSE(request) << each.command;
    } else {
      ASSERT_TRUE(request) << each.command;
      EXPECT_EQ(request.value(), each.params) << each.command;
    }
  }
}

TEST(PrintStatus, SaysInItsFirstLineWhetherTheBoxDoesItsJob) {
  struct Case {
    json answer;
    const char* first_line;
    int status;
  };
  const std::vector<Case> cases{
      {{{"healthy", true}, {"generation", 7}, {"enforcement", "enforce"}},
       "Weir is enforcing: generation 7 is active\n",
       kDone},
      {{{"healthy", true}, {"generation", 7}, {"enforcement", "monitor"}},
       "Weir is monitoring: generation 7 is active\n",
       kDone},
      {{{"healthy", false}, {"problems", {{{"code", "dataplane_down"}, {"message", "nobody answers"}}}}},
       "Weir is NOT doing its job: nobody answers\n",
       kFailed},
      {json::object(), "Weir is NOT doing its job: unknown\n", kFailed},
  };
  for (const Case& each : cases) {
    const Printed printed = print("status", each.answer);
    EXPECT_EQ(printed.text.substr(0, std::string_view(each.first_line).size()), each.first_line)
        << printed.text;
    EXPECT_EQ(printed.status, each.status) << printed.text;
  }
}

TEST(Printers, AnUpdateThatIsNotActiveFails) {
  const json active{{"generation", 4}, {"active", true}, {"seconds", 0.0421}};
  const json waiting{{"generation", 4}, {"active", false}, {"seconds", 0.5}};
  for (const char* command : {"reload", "add", "remove", "rollback"}) {
    EXPECT_EQ(print(command, active).status, kDone) << command;
    EXPECT_NE(print(command, active).text.find("generation 4 is active (0.042 s)\n"), std::string::npos)
        << command;
    EXPECT_EQ(print(command, waiting).status, kFailed) << command;
  }
}

TEST(Printers, CheckSaysWhy) {
  const json near{{"verdict", "pass"},
                  {"reason", "no_match"},
                  {"active", true},
                  {"canonical", "a.example/"},
                  {"why",
                   {{"code", "path_not_listed"},
                    {"text", "rules name other pages of this host"},
                    {"count", 3},
                    {"rules", {{{"rule", 4}, {"list", "l"}, {"kind", "url"}}}}}}};
  EXPECT_EQ(print("check", near).text,
            "pass: no_match\n"
            "canonical  a.example/\n"
            "why        rules name other pages of this host: rule 4 of list l (url) and 2 more\n");
  const json allowed{{"verdict", "pass"},
                     {"reason", "allow_rule"},
                     {"active", true},
                     {"rule", 9},
                     {"list", "local"},
                     {"kind", "domain"},
                     {"canonical", "a.example/"},
                     {"overrides", {{"count", 0}, {"rules", json::array()}}}};
  EXPECT_EQ(print("check", allowed).text,
            "pass: allow_rule, rule 9 of list local (domain)\n"
            "canonical  a.example/\n"
            "overrides  no block rule\n");
}

TEST(Printers, ReconfigureReportsTheDataplaneToo) {
  json answer{{"changed", {"control.roles"}},
              {"needs_restart", json::array()},
              {"generation", 7},
              {"dataplane", {{"changed", json::array()}, {"needs_restart", json::array()}, {"page", true}}}};
  Printed printed = print("reconfigure", answer);
  EXPECT_EQ(printed.text, "control.roles: applied\ngeneration 7 is current\nthe block page was read again\n");
  EXPECT_EQ(printed.status, 0);
  answer["dataplane"] = {{"error", {{"code", "config_invalid"}, {"message", "/etc/weir/page.html: empty"}}}};
  printed = print("reconfigure", answer);
  EXPECT_EQ(printed.text,
            "control.roles: applied\ngeneration 7 is current\n"
            "weir-dataplane changed nothing: /etc/weir/page.html: empty\n");
  EXPECT_EQ(printed.status, 1);
}

TEST(Printers, ReportAddsUp) {
  const json list{
      {"name", "a"},     {"entries", 5},    {"every_protocol", 2}, {"cleartext_http_only", 1},
      {"not_at_all", 1}, {"overridden", 1}, {"allow_rules", 1},    {"whole_host_when_encrypted", 0}};
  json second = list;
  second["name"] = "b";
  json answer{{"lists", {list, second}}, {"unseen_connections", {{"a", 10}, {"b", 4}}}};
  EXPECT_EQ(print("report", answer).text,
            "LIST  ENTRIES  EVERYWHERE  HTTP ONLY  HOST ON TLS  NOT AT ALL  ALLOW  UNSEEN\n"
            "a           5           2          1            0           1      1      10\n"
            "b           5           2          1            0           1      1       4\n"
            "all        10           4          2            0           2      2      14\n"
            "list a: allow rules override 1 entries\n"
            "list b: allow rules override 1 entries\n");
  answer["unseen_connections"] = nullptr;
  EXPECT_NE(print("report", answer).text.find("the dataplane does not answer"), std::string::npos);
}

TEST(Printers, AcceptAnyAnswer) {
  for (const Command& command : commands()) {
    if (!std::holds_alternative<RemoteCall>(command.action)) continue;
    for (const char* text :
         {"{}", "null", "[]", "5",
          R"({"lists":[{}],"rules":[{}],"records":[{}],"snapshots":[{}],"families":[{"samples":[{}]}]})",
          R"({"lists":5,"rules":"x","problems":"x","warnings":5})"}) {
      print(command.name.data(), json::parse(text));
    }
  }
}

TEST(RunCommand, NamesTheSocketThatItTried) {
  std::ostringstream out;
  std::ostringstream errors;
  const Session session("/nonexistent/control.sock", false, false, out);
  EXPECT_EQ(run_command(*find_command("status"), {}, session, errors), kFailed);
  EXPECT_NE(errors.str().find("/nonexistent/control.sock"), std::string::npos);
  EXPECT_NE(errors.str().find("systemctl start weir-control"), std::string::npos);
  EXPECT_TRUE(out.str().empty());
}

// Without a daemon: exit status 0 for an intact chain, 1 with file and line for a broken one.
TEST(Audit, VerifiesAFileOffline) {
  const test::Scratch scratch;
  const std::string file = (scratch / "audit.jsonl").string();
  const std::string first = storage::chain_line({}, R"("method":"a")");
  const auto link = storage::read_link(std::string_view(first).substr(0, first.size() - 1));
  ASSERT_TRUE(link.has_value());
  const std::string second = storage::chain_line(*link, R"("method":"b")");
  struct Case {
    std::string text;
    Given given;
    int status;
    const char* said;
  };
  const std::map<std::string, std::string, std::less<>> verify{{"verify", ""}, {"file", file}};
  const std::vector<Case> cases{
      {first + second, {{}, verify}, kDone, "the audit log is intact: records 1 to 2 in 1 files"},
      {first + second + "{\"se", {{}, verify}, kDone, "the last line is incomplete (4 bytes)"},
      {second, {{}, verify}, kDone, "older files were deleted by rotation"},
      {first + first, {{}, verify}, kFailed, "audit.jsonl:2: expected record 2, found 1"},
      {"x\n", {{}, verify}, kFailed, "audit.jsonl:1: not an audit record"},
      {first, {{}, {{"file", file}}}, kUsage, "--file needs --verify"},
      {first, {{}, {{"verify", ""}, {"file", "/nonexistent/audit.jsonl"}}}, kFailed, "[not_found]"},
      {first, {{}, {{"limit", "x"}}}, kUsage, "--limit: expected a number"},
  };
  for (const Case& each : cases) {
    test::write_file(file, each.text);
    for (const bool as_json : {false, true}) {
      std::ostringstream out;
      const Session session("/nonexistent/control.sock", as_json, false, out);
      EXPECT_EQ(run_command(*find_command("audit"), each.given, session, out), each.status) << each.said;
      if (as_json) continue;
      EXPECT_NE(out.str().find(each.said), std::string::npos) << out.str();
    }
  }
}

TEST(TextTable, AlignsColumnsAndCleansText) {
  TextTable table({TextTable::left("NAME"), TextTable::right("COUNT")});
  table.add({"\xC3\xA4", "5"});
  table.add({"a\x1b[31mb", "1000"});
  table.add({"short"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "NAME     COUNT\n\xC3\xA4            5\na?[31mb   1000\nshort\n");
}

}  // namespace
}  // namespace weir::ctl
