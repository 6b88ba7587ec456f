#!/usr/bin/env bash
# The test command: installs what is missing, builds, runs, and closes with `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
usage: tests/run.sh [--no-install] [--build DIR] [PART...]
  unit      GoogleTest programs, one for each concept
  scenario  captures through the real weir-replay and weir-dataplane: packets in, verdicts and packets out
  e2e       network namespaces with real servers and clients (root)
  deploy    alert rules, dashboard, units, packages: what is installed beside and around the programs
  fuzz      every fuzz target over its seed corpus
  bench     the benchmarks, for figures; without PART each is only run once, to see that it works
  --build DIR    use the build tree DIR as it is (default: build/release, built first)
  --no-install   install no packages
Without PART: all of them. The exit status is 0 only if nothing failed.
TEXT
}

install=true
build=""
parts=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --no-install) install=false ;;
    --build) build=${2:?--build needs a directory}; shift ;;
    -h | --help) usage; exit 0 ;;
    unit | scenario | deploy | e2e | fuzz | bench) parts+=("$1") ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
bench_mode=figures
if [[ ${#parts[@]} -eq 0 ]]; then
  parts=(unit scenario deploy fuzz bench e2e)
  bench_mode=smoke
fi
wants() { [[ " ${parts[*]} " == *" $1 "* ]]; }

if wants e2e && [[ $EUID -ne 0 ]]; then
  echo "tests/run.sh: the end-to-end tests make network namespaces: run as root" >&2
  exit 2
fi
if $install; then deploy/packages.sh build test; fi

if [[ -z $build ]]; then
  build=build/release
  cmake --preset release -DWEIR_TESTS=ON -DWEIR_BENCH=ON >/dev/null
  cmake --build --preset release
fi

results=$(mktemp)
part_results=$(mktemp)
trap 'rm -f "$results" "$part_results"' EXIT
for part in "${parts[@]}"; do
  echo
  echo "== $part"
  case $part in
    e2e) command=(tests/e2e/run --build "$build") ;;
    deploy) command=(tests/deploy/run --build "$build") ;;
    bench) command=(tests/support/suite.py "$build" bench "--$bench_mode") ;;
    *) command=(tests/support/suite.py "$build" "$part") ;;
  esac
  status=0
  python3 -u "${command[@]}" 2>&1 | tee "$part_results" || status=$?
  if ! grep -q '^\(ok\|FAIL\) ' "$part_results"; then
    echo "FAIL $part: no test was run" | tee -a "$part_results"
  elif [[ $status -ne 0 ]] && ! grep -q '^FAIL ' "$part_results"; then
    echo "FAIL $part: the runner ended with exit status $status" | tee -a "$part_results"
  fi
  cat "$part_results" >>"$results"
done

count() { grep -c "^$1 " "$results" || true; }
failed=$(count FAIL)
skipped=$(count skip)
echo
if [[ $failed -gt 0 ]]; then grep '^FAIL ' "$results"; fi
if [[ $skipped -gt 0 ]]; then grep '^skip ' "$results"; fi
summary="$(count ok) passed, $failed failed"
[[ $skipped -eq 0 ]] || summary+=", $skipped skipped"
echo "$summary"
[[ $failed -eq 0 ]]
