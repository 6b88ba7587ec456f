#include "config/settings.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

// Any text gives settings or problems that name the file, for each program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto audience : {weir::config::Audience::dataplane, weir::config::Audience::client}) {
    const auto settings = weir::config::parse_settings(text, "f", audience);
    if (settings.ok()) {
      static_cast<void>(weir::config::setting_notices(settings.value()));
    } else if (settings.error().message.rfind("f:", 0) != 0) {
      std::abort();
    }
  }
  return 0;
}
