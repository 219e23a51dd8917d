#!/usr/bin/env bash
# Resolve requirements.in into requirements.lock: exact versions with hashes, for Python 3.11
# and later. torch and what only its CUDA build needs stay out; see requirements.in.
# Usage: tools/lock.sh   (needs uv on PATH: pip install uv)
set -euo pipefail
cd "$(dirname "$0")/.."
torch=$(sed -n 's/^TORCH *:= *//p' Makefile)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ cat requirements.in; echo "$torch"; } > "$work/all.in"
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-emit-index-url --no-emit-package torch "$work/all.in" -o "$work/all.lock"
awk '/^[^ ]/ { keep = !/^(torch|triton|nvidia-|cuda-)/ } keep' "$work/all.lock" > requirements.lock
echo "requirements.lock: $(grep -c '^[^ ]' requirements.lock) packages"
