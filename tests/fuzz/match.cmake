weir_fuzz_target(url weir_proto)
