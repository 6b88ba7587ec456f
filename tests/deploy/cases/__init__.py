"""Cases of tests/deploy/run, a file a theme."""
