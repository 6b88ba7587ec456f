#include "control/ctl/commands/audit.h"

#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/numbers.h"
#include "control/ctl/text_table.h"
#include "control/storage/audit_chain.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

base::Result<json> records_request(const Given& given) {
  json params = json::object();
  for (const char* option : {"since", "limit"}) {
    if (!given.has(option)) continue;
    const auto value = number(given.text(option));
    if (!value) return not_a_number(fmt::format("--{}", option), given.text(option));
    params[option] = *value;
  }
  return params;
}

base::Result<json> verify(const Session& session, const Given& given) {
  if (!given.has("file")) return session.call("audit.verify", json::object());
  const auto report = storage::verify_chain(given.text("file"));
  if (!report) return report.error();
  return storage::chain_report_json(report.value());
}

int print_records(const Session& session, const json& answer) {
  TextTable table({TextTable::left("TIME"), TextTable::right("UID"), TextTable::left("METHOD"),
                   TextTable::left("LIST"), TextTable::right("RULE"), TextTable::right("BEFORE"),
                   TextTable::right("AFTER"), TextTable::left("OUTCOME")});
  for (const json& record : member(answer, "records")) {
    table.add({cell(record, "time"), cell(record, "uid"), cell(record, "method"), cell(record, "list"),
               cell(record, "rule"), cell(record, "before"), cell(record, "after"), cell(record, "outcome")});
  }
  table.print(session.out());
  return kDone;
}

int print_verified(const Session& session, const json& report) {
  const bool whole = report.value("whole", false);
  if (session.json()) {
    session.out() << report.dump(2) << '\n';
    return whole ? kDone : kFailed;
  }
  const auto count = [&report](const char* key) { return report.value(key, std::uint64_t{0}); };
  if (!whole) {
    const json place = report.value("break", json::object());
    session.out()
        << session.bad("the audit log is broken") << ": "
        << printable(fmt::format("{}:{}: {}", place.value("file", ""), place.value("line", std::uint64_t{0}),
                                 place.value("reason", "")))
        << fmt::format(
               "\nthe {} records before it are intact; leave the files as they are and find out who "
               "changed them\n",
               count("records"));
    return kFailed;
  }
  session.out() << session.good("the audit log is intact")
                << fmt::format(": records {} to {} in {} files\n", count("first"), count("last"),
                               count("files"));
  if (count("first") > 1) session.out() << "older files were deleted by rotation\n";
  if (count("torn_bytes") != 0) {
    session.out() << fmt::format(
        "the last line is incomplete ({} bytes): it is being written, or weir-control was killed while "
        "writing it and will remove it when it starts\n",
        count("torn_bytes"));
  }
  session.out() << "digest of the last record: " << printable(report.value("head", "")) << '\n';
  return kDone;
}

}  // namespace

bool audit_needs_socket(const Given& given) { return !given.has("file"); }

int run_audit(const Session& session, const Given& given, std::ostream& errors) {
  if (given.has("file") && !given.has("verify")) {
    return report_error(session, {"usage", "--file needs --verify"}, errors);
  }
  if (given.has("verify")) {
    const auto report = verify(session, given);
    return report ? print_verified(session, report.value()) : report_error(session, report.error(), errors);
  }
  const auto request = records_request(given);
  if (!request) return report_error(session, request.error(), errors);
  const auto answer = session.call("audit", request.value());
  if (!answer) return report_error(session, answer.error(), errors);
  if (!session.json()) return print_records(session, answer.value());
  session.out() << answer.value().dump(2) << '\n';
  return kDone;
}

}  // namespace weir::ctl
