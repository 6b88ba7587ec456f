#include <cstdint>

#include "dataplane/replay/capture_file.h"
#include "tests/support/require.h"

// Reads arbitrary bytes as a capture file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::replay;
  using weir::fuzz::require;
  const auto file = weir::fuzz::as_input(data, size);
  CaptureReader reader(file);
  CapturePacket packet;
  std::size_t packets = 0;
  CaptureStatus status = reader.next(packet);
  for (; status == CaptureStatus::packet; status = reader.next(packet)) {
    require(weir::fuzz::lies_inside(packet.frame, file), "a frame is inside the file");
    require(packet.original_bytes >= packet.frame.size(), "no frame is longer than on the wire");
    require(reader.offset() <= file.size(), "reading stays inside the file");
    require(++packets <= size, "every packet uses bytes of the file, so reading ends");
  }
  require(status == CaptureStatus::end ? reader.problem().empty() : !reader.problem().empty(),
          "what is broken has a reason");
  require(reader.next(packet) == status, "the status does not change after the end");
  return 0;
}
