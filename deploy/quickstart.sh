#!/usr/bin/env bash
# Weir at work on one machine: a client, an edge with Weir inline, a web server, and a list over HTTPS.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")

usage() {
  cat <<'TEXT'
usage: sudo deploy/quickstart.sh [--keep] [--no-install] [--build DIR]
       sudo deploy/quickstart.sh --stop DIR

Builds Weir, puts it between a client and a web server (network namespaces on this machine, nothing else is
touched), and shows what it does, checking every step. Exit status: 0 every step did what it should, 1 one
did not, 2 it cannot start.

  --keep        leave it running afterwards; prints how to use and how to stop it
  --no-install  install no Debian packages
  --build DIR   use the programs of this build directory as they are (default: build/release, built first)
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
[[ $EUID -eq 0 ]] || refuse "network namespaces need root: run it with sudo"

# shellcheck source=deploy/quickstart/lab.sh
source "$HERE/quickstart/lab.sh"
# shellcheck source=deploy/quickstart/steps.sh
source "$HERE/quickstart/steps.sh"

if [[ -n $stop_dir ]]; then
  [[ -O $stop_dir && -r $stop_dir/namespace ]] || refuse "$stop_dir is no directory of a running quickstart"
  remove_lab "$stop_dir" "$(cat "$stop_dir/namespace")"
  echo "stopped, everything removed"
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

# In the background and in a process group of its own, so that a signal to us ends it at once; its output goes
# to a log, its progress to a terminal.
build() {
  local log=$DIR/build.log start=$SECONDS
  echo "building Weir (Release) in build/release: a few minutes the first time"
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
  command -v "$tool" >/dev/null || refuse "'$tool' is missing: deploy/packages.sh demo installs it"
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
