#include "dataplane/base/log_setup.h"

#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::base {
namespace {

/// Formats `%*` as the priority of syslog(3).
class Priority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    switch (message.level) {
      case spdlog::level::critical:
        return out.push_back('2');
      case spdlog::level::err:
        return out.push_back('3');
      case spdlog::level::warn:
        return out.push_back('4');
      case spdlog::level::info:
        return out.push_back('6');
      default:
        return out.push_back('7');
    }
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Priority>();
  }
};

/// Whether standard error is the stream to the journal that systemd names. What a service starts inherits the
/// variable even where its standard error is another (systemd.exec(5)).
bool writes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat standard_error {};
  return stream != nullptr && ::fstat(STDERR_FILENO, &standard_error) == 0 &&
         stream == fmt::format("{}:{}", standard_error.st_dev, standard_error.st_ino);
}

}  // namespace

void set_up_log(const char* program) {
  spdlog::set_default_logger(spdlog::stderr_color_mt(program));
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<Priority>('*').set_pattern(writes_to_journal() ? "<%*>%v"
                                                                     : "%Y-%m-%dT%H:%M:%S.%e%z %n %^%l%$ %v");
  spdlog::set_formatter(std::move(formatter));
}

}  // namespace weir::base
