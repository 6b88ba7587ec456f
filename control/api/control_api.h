#pragma once

#include <filesystem>
#include <memory>

#include "control/api/call_rate.h"
#include "control/api/methods/context.h"
#include "dataplane/rpc/server.h"

namespace weir::control {

/// The control socket's side of every call: checks the caller's rate and role and the names of the
/// parameters, then runs the method (methods/methods.cpp). handle() belongs to the server's thread and never
/// waits.
class ControlApi {
 public:
  ControlApi(const config::Settings& settings, std::filesystem::path config_file, Publisher& publisher,
             Updates& updates, DataplaneLink& link, storage::AuditLog& audit, EventHub& events,
             SelfTest& self_test, Roles roles, Reconfigure reconfigure);
  ~ControlApi();
  ControlApi(const ControlApi&) = delete;
  ControlApi& operator=(const ControlApi&) = delete;

  /// Error codes: rate_limited, method_not_found, forbidden, invalid_params, and those of the method.
  void handle(rpc::Request&& request, std::shared_ptr<rpc::Responder> responder);

 private:
  WorkQueue readers_;
  ApiContext context_;
  CallRate rate_;
};

}  // namespace weir::control
