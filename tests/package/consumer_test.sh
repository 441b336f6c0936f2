#!/bin/sh
# Installs the build into a folder of its own, then configures, builds and runs a project that only knows that folder.
set -eu
cmake=$1 build=$2 consumer=$3 compiler=$4
work=$(mktemp -d "${TMPDIR:-/tmp}/hotexpert-package.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/prefix" >/dev/null
for file in bin/hotexpert share/man/man1/hotexpert.1 share/bash-completion/completions/hotexpert \
            share/zsh/site-functions/_hotexpert share/fish/vendor_completions.d/hotexpert.fish \
            share/hotexpert/scenarios/quickstart.toml share/hotexpert/scenarios/devices/h100-sxm.toml \
            include/hotexpert_plugin.h share/hotexpert/plugin/expert_loop.c; do
  [ -s "$work/prefix/$file" ] || { echo "$file was not installed"; exit 1; }
done
# The ranks' program lies beside the one that starts it.
if [ -x "$build/hotexpert-ep" ]; then
  [ -x "$work/prefix/bin/hotexpert-ep" ] || { echo "bin/hotexpert-ep was not installed"; exit 1; }
  ! command -v mpirun >/dev/null || "$work/prefix/bin/hotexpert" calibrate network --ep.ranks 2 -o "$work/network.toml" >/dev/null 2>"$work/log" || { cat "$work/log"; exit 1; }
fi
if grep -rlF "$build" "$work/prefix/lib"*/cmake; then
  echo "the package points back into the build"
  exit 1
fi
# From a folder that has nothing: the program finds its scenarios and devices beside itself, or where HOTEXPERT_DATA says.
mkdir "$work/empty" "$work/mine"
cp -r "$work/prefix/share/hotexpert/scenarios" "$work/mine/"
mv "$work/mine/scenarios/quickstart.toml" "$work/mine/scenarios/mine.toml"
(
  cd "$work/empty"
  program=$work/prefix/bin/hotexpert
  "$program" --version | grep -q '^hotexpert '
  few="--step.tokens 64 --step.count 1 --skew.target none --kernel grouped --capacity.factor none"
  for scenario in quickstart scenarios/quickstart.toml; do "$program" plan $scenario $few --csv >/dev/null; done
  "$program" sweep quickstart $few --backend model --device h100-sxm -o run >/dev/null
  "$program" report run -o report.html >/dev/null
  HOTEXPERT_DATA=$work/mine "$program" plan mine $few --csv >/dev/null
  ! "$program" plan mine --csv 2>error || exit 1
  grep -q 'quickstart' error || { cat error; exit 1; }
) || { echo "the installed program does not find its data"; exit 1; }

# A kernel of one's own, from what is installed alone.
cc -O2 -shared -fPIC -I "$work/prefix/include" "$work/prefix/share/hotexpert/plugin/expert_loop.c" -o "$work/mine-kernel.so" -lm
"$work/prefix/bin/hotexpert" sweep "$work/prefix/share/hotexpert/scenarios/skew-to-time.toml" --backend cpu --threads 1 \
  --kernel "plugin:$work/mine-kernel.so" --layer.d_model 32 --layer.d_ff 32 --step.tokens 64 --step.count 2 --skew.target none \
  --measure.budget_s 0.01 -o "$work/run" 2>"$work/log" || { cat "$work/log"; exit 1; }
grep -q '"plugin:mine-kernel"' "$work/run/points.jsonl"

"$cmake" -S "$consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler" \
         -DCMAKE_BUILD_TYPE=Debug >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$cmake" --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/consumer"
