#!/bin/sh
# Makes the bundle, unpacks it and shows that it needs glibc only: by ldd, and (as root) inside a folder that has nothing else.
set -eu
cmake=$1 build=$2 script=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/hotexpert-bundle.XXXXXX")
trap 'rm -rf "$work"' EXIT
command -v dpkg-query >/dev/null || { echo "skipped: bundles are made on Debian, whose package database knows the licences"; exit 77; }

"$cmake" -DBUILD="$build" -DNAME=hotexpert -DOUT="$work" -P "$script"
mkdir "$work/node"
tar xzf "$work/hotexpert.tar.gz" -C "$work/node"
root=$work/node/hotexpert
env -i ldd "$root/bin/hotexpert" >"$work/libraries"
outside=$(grep '=> /' "$work/libraries" | grep -v "=> $root/bin/../lib/" | grep -vE '/(libc|libm|libpthread|libdl|librt|libresolv|libutil|libmvec)\.so' || true)
[ -z "$outside" ] || { echo "found outside the bundle: $outside"; exit 1; }
! grep 'not found' "$work/libraries" || exit 1
if [ -x "$build/hotexpert-ep" ]; then
  [ -x "$root/bin/hotexpert-ep" ] || { echo "hotexpert-ep was built and is not in the bundle"; exit 1; }
  env -i ldd "$root/bin/hotexpert-ep" >"$work/ranks"
  ! grep 'not found' "$work/ranks" || exit 1
  # Its own libraries come from the bundle, libmpi from the system.
  grep 'libfmt' "$work/ranks" | grep -q "=> $root/bin/../lib/" || { echo "hotexpert-ep does not use the bundle's libraries"; exit 1; }
  [ -z "$(ls "$root/lib" | grep libmpi)" ] || { echo "libmpi is in the bundle"; exit 1; }
fi
for library in "$root"/lib/*; do [ -f "$library" ]; done
[ "$(ls "$root/share/doc/hotexpert/copyright" | wc -l)" -ge 8 ] || { echo "copyright files are missing"; exit 1; }

if ! { [ "$(id -u)" = 0 ] && command -v chroot >/dev/null; }; then
  echo "not root: the bundle was not run in an empty root folder"
  "$root/bin/hotexpert" --version
  exit 0
fi
# Only the loader and glibc, at the paths where they lie here.
for file in $(ldd "$root/bin/hotexpert" | grep -oE '/[^ ]*/(ld-linux[^ ]*|libc\.so[^ ]*|libm\.so[^ ]*|libpthread\.so[^ ]*|libdl\.so[^ ]*|librt\.so[^ ]*|libresolv\.so[^ ]*|libutil\.so[^ ]*|libmvec\.so[^ ]*)'); do
  mkdir -p "$work/node$(dirname "$file")"
  cp -L "$file" "$work/node$file"
done
mkdir -p "$work/node/tmp" "$work/node/dev"
chroot=$(command -v chroot)
# Without /proc the loader cannot see where the program lies.
run() { env -i LD_ORIGIN_PATH=/hotexpert/bin OMP_WAIT_POLICY=passive "$chroot" "$work/node" /hotexpert/bin/hotexpert "$@"; }
run --version
run selftest --kernels --csv >"$work/selftest.csv"
grep -c ',ok,' "$work/selftest.csv"
run plan /hotexpert/share/hotexpert/scenarios/quickstart.toml --step.count 1 --csv >/dev/null
