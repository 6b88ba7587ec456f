#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dataplane/rpc/line_framer.h"
#include "dataplane/rpc/message.h"

namespace {

constexpr std::size_t kLineBytes = 4096;

void require(bool holds) {
  if (!holds) std::abort();
}

// A server parses a line, and a client parses the answer to it.
void exchange(std::string_view line) {
  auto parsed = weir::rpc::parse_call(line);
  const auto* call = std::get_if<weir::rpc::Call>(&parsed);
  if (call != nullptr) require(call->params.is_object());
  const auto* rejection = std::get_if<weir::rpc::Rejection>(&parsed);
  const std::string answer = call != nullptr ? weir::rpc::result_line(call->id, call->params)
                                             : weir::rpc::error_line(rejection->id, rejection->error);
  require(answer.find('\n') == answer.size() - 1);
  const auto reply = weir::rpc::parse_reply(std::string_view(answer).substr(0, answer.size() - 1));
  require(reply.ok() && std::holds_alternative<weir::rpc::Answer>(reply.value()));
  static_cast<void>(weir::rpc::parse_reply(line).ok());
}

}  // namespace

// The first byte is the size of the pieces in which the rest arrives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::rpc::LineFramer framer(kLineBytes);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    framer.append(bytes.substr(at, piece));
    while (const auto line = framer.next()) {
      require(line->size() <= kLineBytes && line->find('\n') == std::string_view::npos);
      exchange(*line);
    }
    require(framer.buffered_bytes() <= kLineBytes);
  }
  return 0;
}
