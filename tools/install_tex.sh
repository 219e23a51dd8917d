#!/usr/bin/env bash
# Install TeX through apt where that is allowed; else say which command does it.
# Usage: tools/install_tex.sh PACKAGE...
set -euo pipefail
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
command="${as_root[*]:+${as_root[*]} }apt-get install -y --no-install-recommends $*"
if ! command -v apt-get > /dev/null ||
  { [ "$(id -u)" != 0 ] && ! sudo -n true 2> /dev/null; }; then
  echo "Neither latexmk nor tectonic is on PATH, and this user may not install packages." >&2
  echo "Hint: install TeX Live with latexmk, or tectonic. On Debian and Ubuntu:" >&2
  echo "  $command" >&2
  exit 1
fi
echo "Installing TeX (about 200 MB, once): $command"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" > /dev/null
