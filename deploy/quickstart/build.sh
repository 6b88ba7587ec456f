#!/usr/bin/env bash
# Builds Weir's programs in build/release, for deploy/quickstart.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# A build directory that is there keeps its options; a new one does without the tests, which need more packages.
[[ -e build/release/CMakeCache.txt ]] || cmake --preset release -DWEIR_TESTS=OFF
exec cmake --build --preset release --target weir-dataplane weir-control weirctl weir-replay
