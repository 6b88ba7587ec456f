"""Gives mutated requests and hellos to real servers and to weir-replay, and compares who takes them for what."""
