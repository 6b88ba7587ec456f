weir_fuzz_target(control_api weir_control spdlog::spdlog)
