#!/usr/bin/env bash
# Builds the Debian packages weir-dataplane, weir-control and weirctl.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'TEXT'
usage: deploy/package.sh [--build DIR] [--version VERSION] [--output DIR]
Builds Debian packages from the tracked files of this tree, in a copy of it. It needs the packages that
`deploy/packages.sh build package` installs.
  --build DIR        package the programs of this build directory instead of building them
  --version VERSION  version of the packages (default: the one in deploy/debian/changelog)
  --output DIR       where to put the packages (default: build/packages)
TEXT
}

build_dir="" version="" output=$ROOT/build/packages
while [[ $# -gt 0 ]]; do
  case $1 in
    --build) build_dir=$(cd "${2:?--build needs a directory}" && pwd); shift ;;
    --version) version=${2:?--version needs a version}; shift ;;
    --output) output=${2:?--output needs a directory}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
for tool in dpkg-buildpackage dh cmake; do
  command -v "$tool" >/dev/null || { echo "package.sh: $tool is missing; deploy/packages.sh build package installs it" >&2; exit 2; }
done
mkdir -p "$output"
output=$(cd "$output" && pwd)

# The same path at every build, so that a path that gets into a program (none should) is the same every time.
work=$output/.work
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/weir"
cd "$ROOT"
git -c safe.directory="$ROOT" ls-files -z | while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
  tar --create --null --files-from=- | tar --extract --directory="$work/weir"
mv "$work/weir/deploy/debian" "$work/weir/debian"
cd "$work/weir"
if [[ -n $version ]]; then sed -i "1s/(.*)/($version)/" debian/changelog; fi
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -STimestamp)

log=$output/build.log
if ! WEIR_BUILD_DIR=$build_dir dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "package.sh: the build failed; the full log is $log" >&2
  exit 1
fi
mv ../*.deb "$output/"
[[ ! -e $(echo ../*.ddeb | cut -d' ' -f1) ]] || mv ../*.ddeb "$output/"
ls -1 "$output"/*.deb
