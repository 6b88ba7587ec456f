#!/usr/bin/env bash
# Installs the Debian 12 packages for a purpose. It can run again: it does nothing when all are installed.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: deploy/packages.sh [--list] PURPOSE...
Installs Debian packages. Run it as root. PURPOSE is one of:
  build    to build Weir: compiler, CMake, DPDK and libraries
  demo     for deploy/quickstart.sh: nginx, curl, openssl, network tools
  test     for tests/run.sh, in addition to `build`: browsers, servers and tools
  package  for deploy/package.sh, in addition to `build`: debhelper, lintian
  referee  for tests/e2e/differential, in addition to `test`: more servers
  figures  for the comparisons in tests/bench/README.md: testpmd, Squid, a load generator
  gates    for .ci/run, in addition to the others: clang, clang-tidy, clang-format, sanitizer runtimes,
           codespell
  --list   print the packages instead of installing them
TEXT
}

build=(g++ cmake ninja-build ccache pkg-config git ca-certificates
  libdpdk-dev libboost-program-options-dev libxxhash-dev libyaml-cpp-dev libfmt-dev libspdlog-dev
  nlohmann-json3-dev libidn2-dev libpsl-dev publicsuffix libsystemd-dev libseccomp-dev libcurl4-openssl-dev libpcap-dev
  libssl-dev libipsec-mb-dev prometheus-cpp-dev zlib1g-dev python3)
demo=(nginx-light curl openssl iproute2 iputils-ping ethtool procps)
test=("${demo[@]}" caddy chromium firefox-esr libnss3-tools minisign tshark python3 prometheus man-db ansible-core ansible-lint
  debhelper lintian libgtest-dev libgmock-dev libbenchmark-dev libndpi-dev)
package=(debhelper lintian)
referee=(apache2-bin lighttpd haproxy nodejs gnutls-bin)
figures=(dpdk-dev squid-openssl wrk nftables)
gates=(jq clang clang-tidy clang-format libclang-rt-14-dev codespell)

list_only=false
wanted=()
[[ $# -gt 0 ]] || { usage >&2; exit 2; }
for purpose in "$@"; do
  case $purpose in
    --list) list_only=true ;;
    build) wanted+=("${build[@]}") ;;
    demo) wanted+=("${demo[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    package) wanted+=("${package[@]}") ;;
    referee) wanted+=("${referee[@]}") ;;
    figures) wanted+=("${figures[@]}") ;;
    gates) wanted+=("${gates[@]}") ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)
if $list_only; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) == "ii "* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0
if [[ $EUID -ne 0 ]]; then
  echo "packages.sh: run as root to install: ${missing[*]}" >&2
  exit 2
fi

# The services of the packages (a web server, for example) must not start on this machine.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
echo "installing ${#missing[@]} packages: ${missing[*]}"
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "packages.sh: the installation failed; the full log is $log" >&2
  exit 1
fi
rm -f "$log"
