"""Load, faults, kills and wrong input."""
