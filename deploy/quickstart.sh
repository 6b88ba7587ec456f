#!/usr/bin/env bash
# Demonstrates Weir on one machine: a client, an edge with Weir inline, a web server, and a list over HTTPS.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")

usage() {
  cat <<'TEXT'
usage: deploy/quickstart.sh [--keep] [--no-install] [--build DIR]
       deploy/quickstart.sh --stop DIR
Run it as root.

Builds Weir, puts it between a client and a web server, shows what it does, and checks every step. Client, web
server and Weir run in network namespaces; the network of this machine is not changed.
Exit status: 0 every step worked, 1 a step failed, 2 cannot start.

  --keep        leave everything running, and print how to use and stop it
  --no-install  do not install Debian packages
  --build DIR   use the programs in this build directory; do not build (default: build build/release)
  --stop DIR    stop what --keep left running
TEXT
}

die() { echo "quickstart: $*" >&2; exit 1; }
refuse() { echo "quickstart: $*" >&2; exit 2; }

keep=false install=true build_dir="" stop_dir=""
while [[ $# -gt 0 ]]; do
  case $1 in
    --keep) keep=true ;;
    --no-install) install=false ;;
    --build) build_dir=${2:-}; [[ -n $build_dir ]] || refuse "--build needs a directory"; shift ;;
    --stop) stop_dir=${2:-}; [[ -n $stop_dir ]] || refuse "--stop needs the directory that --keep printed"; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
[[ $EUID -eq 0 ]] || refuse "network namespaces need root: run it as root"

# shellcheck source=deploy/quickstart/lab.sh
source "$HERE/quickstart/lab.sh"
# shellcheck source=deploy/quickstart/steps.sh
source "$HERE/quickstart/steps.sh"

if [[ -n $stop_dir ]]; then
  [[ -O $stop_dir && -r $stop_dir/namespace ]] || refuse "$stop_dir is not the directory of a running quickstart"
  remove_lab "$stop_dir" "$(cat "$stop_dir/namespace")"
  echo "stopped and removed everything"
  exit 0
fi

remove_leftovers
NS=weir-qs-$$
DIR=$(mktemp -d /tmp/weir-quickstart.XXXXXX)
echo "$NS" >"$DIR/namespace"
build_pid=""

finish() {
  local status=$?
  trap '' INT TERM
  trap - EXIT
  [[ -z $build_pid ]] || kill -TERM -- "-$build_pid" 2>/dev/null || true
  if $keep && [[ $status -le 1 && -s $DIR/pids ]]; then
    touch "$DIR/kept"
    how_to_use
  else
    remove_lab "$DIR" "$NS"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs in the background in its own process group, so that a signal to us ends it at once. The output goes to a
# log; a terminal shows the progress.
build() {
  local log=$DIR/build.log start=$SECONDS
  echo "building Weir (Release) in build/release; this takes a few minutes the first time"
  setsid "$HERE/quickstart/build.sh" </dev/null >"$log" 2>&1 &
  build_pid=$!
  while [[ -t 1 ]] && kill -0 "$build_pid" 2>/dev/null; do
    printf '\r%s  %d s ' "$(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1)" $((SECONDS - start))
    sleep 0.5
  done
  [[ ! -t 1 ]] || printf '\r%30s\r' ""
  if ! wait "$build_pid"; then
    build_pid=""
    tail -n 30 "$log" >&2
    die "the build failed"
  fi
  build_pid=""
  echo "built in $((SECONDS - start)) s"
}

if $install; then "$HERE/packages.sh" build demo; fi
for tool in ip ethtool sysctl curl openssl nginx; do
  command -v "$tool" >/dev/null || refuse "'$tool' is missing; deploy/packages.sh demo installs it"
done
if [[ -z $build_dir ]]; then
  build
  build_dir=$ROOT/build/release
fi
BIN=$(cd "$build_dir" 2>/dev/null && pwd)/bin
for program in weir-dataplane weir-control weirctl; do
  [[ -x $BIN/$program ]] || refuse "$BIN/$program is missing: was libdpdk-dev installed when it was built?"
done

picture
make_network
make_certificates
make_files
start_servers
start_weir
demonstrate
summary
