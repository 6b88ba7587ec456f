#include "control/proof/self_test.h"

#include "control/api/methods/handlers.h"
#include "control/proof/self_test_certificate.h"

namespace weir::control::handlers {

using nlohmann::json;

void run_self_test(ApiContext& api, Call&& call) {
  api.answer_later(call,
                   [&api]() -> base::Result<json> { return self_test_json(api.self_test.run().get()); });
}

void certify_self_test(ApiContext& api, Call&& call) {
  api.answer_later(call, [&api]() -> base::Result<json> {
    const auto report = api.self_test.run();
    return self_test_certificate(api.settings, *api.publisher.view(), *report);
  });
}

}  // namespace weir::control::handlers
