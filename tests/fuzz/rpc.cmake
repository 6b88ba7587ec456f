weir_fuzz_target(rpc_line weir_rpc)
weir_fuzz_target(settings weir_config)
