#include "control/api/methods/context.h"

#include <exception>

namespace weir::control {

void answer(rpc::Responder& responder, const base::Result<nlohmann::json>& result) {
  if (result) {
    responder.result(result.value());
  } else {
    responder.fail(result.error());
  }
}

Updates::Done answer_to(const Call& call) {
  return [responder = call.responder](const Updates::Answer& result) { answer(*responder, result); };
}

void ApiContext::answer_later(const Call& call, std::function<base::Result<nlohmann::json>()> work) const {
  const bool taken = readers.submit([responder = call.responder, work = std::move(work)] {
    try {
      answer(*responder, work());
    } catch (const std::exception& exception) {
      responder->fail({"internal", exception.what()});
    }
  });
  if (!taken) call.responder->fail({"busy", "too many calls are waiting: try again later"});
}

}  // namespace weir::control
