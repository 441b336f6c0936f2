#!/bin/sh
# tests/gpu/run against programs that never end and ignore signals: it must end by itself, say which steps were stopped, and
# still write its archive.   hang_test.sh RUN FOLDER
set -eu
run=$1 work=$2
rm -rf "$work" && mkdir -p "$work/bundle" "$work/bin"
cat >"$work/bundle/hotexpert" <<'END'
#!/bin/sh
case "$1" in
  list) echo "cuda  expert kernels on a CUDA device  NVIDIA H100" ;;
  doctor) echo fine ;;
  *) trap '' TERM; sleep 600 & while :; do wait; sleep 1; done ;;
esac
END
cp "$work/bundle/hotexpert" "$work/bundle/tests_gpu"
for tool in python3 compute-sanitizer nvidia-smi; do printf '#!/bin/sh\nexec sleep 600\n' >"$work/bin/$tool"; done
printf '#!/bin/sh\necho "H100"\n' >"$work/bin/nvidia-smi"
chmod +x "$work/bundle/hotexpert" "$work/bundle/tests_gpu" "$work"/bin/*
if PATH="$work/bin:$PATH" HOTEXPERT_GPU_BUDGET_S=4 "$run" "$work/bundle" "$work/out"; then
  echo "stopped steps must not pass"
  exit 1
fi
grep -q '^tests: exit 137 (stopped after' "$work/out/steps.txt"
grep -q '^peers: not measured (no time left)' "$work/out/steps.txt"
[ "$(grep -c . "$work/out/steps.txt")" -ge 11 ]
[ -s "$work/out/gpu-run.tar.gz" ]
