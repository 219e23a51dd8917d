#!/usr/bin/env bash
# Install Chromium through apt where that is allowed; else say what is left out without it.
# Usage: tools/install_browser.sh
set -euo pipefail
packages=(chromium fonts-dejavu-core)
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
if ! command -v apt-get > /dev/null ||
  { [ "$(id -u)" != 0 ] && ! sudo -n true 2> /dev/null; }; then
  echo "There is no Chromium, and this user may not install packages: tests that open the report"
  echo "in a browser are left out. On Debian and Ubuntu: sudo apt-get install ${packages[*]}"
  exit 0
fi
echo "Installing Chromium for tests of the report (about 300 MB, once)"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null ||
  echo "Chromium could not be installed: tests that open the report in a browser are left out."
