weir_fuzz_target(url weir_proto)
weir_fuzz_target(plain_list weir_match)
weir_fuzz_target(snapshot_view weir_match)
