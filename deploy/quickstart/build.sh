#!/usr/bin/env bash
# Builds the programs in build/release, for deploy/quickstart.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# An existing build directory keeps its options. A new one leaves out the tests, which need more packages.
[[ -e build/release/CMakeCache.txt ]] || cmake --preset release -DWEIR_TESTS=OFF
exec cmake --build --preset release --target weir-dataplane weir-control weirctl weir-replay
