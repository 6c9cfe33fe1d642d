#!/usr/bin/env bash
# Installs what `make integration` drives, on Debian as root: scripts/install_products.sh [FOLDER]
# Nothing is started: the tests start what they need, in folders of their own. CrowdSec's own installation registers with
# a public service, so its files are only unpacked, into FOLDER (/opt/crowdsec-unpacked: where its test looks).
set -euo pipefail
crowdsec=$(realpath -m "${1:-/opt/crowdsec-unpacked}")
export DEBIAN_FRONTEND=noninteractive
exec </dev/null

packages=(
  make python3-venv openssl ca-certificates
  postgresql
  nftables iproute2 unbound bind9-dnsutils
  request-tracker5 rt5-db-sqlite rt5-standalone
  chromium fonts-dejavu-core
)
# Other makers' nodejs packages hold npm and conflict with Debian's npm: what is there is used.
command -v npm >/dev/null || packages+=(nodejs npm)
policy=/usr/sbin/policy-rc.d
work=$(mktemp -d)
ours=

finish() {
  [ -z "$ours" ] || rm -f "$policy"
  [ ! -e "$work/policy" ] || mv "$work/policy" "$policy"
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

# No service may start by itself; a policy of the machine that says otherwise comes back afterwards.
says=0
"$policy" any start >/dev/null 2>&1 || says=$?
if [ $says != 101 ]; then
  [ ! -e "$policy" ] || mv "$policy" "$work/policy"
  ours=1
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi

quietly() {
  "$@" > "$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; return 1; }
}

apt() {
  quietly apt-get -qq -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confold --no-install-recommends "$@"
}

fetched() {
  apt update && apt install "${packages[@]}" && cd "$work" && apt download crowdsec crowdsec-firewall-bouncer
}

for pause in 10 30 60 none; do
  if (fetched); then break; fi
  [ "$pause" != none ] || exit 1
  echo "again in $pause s" >&2
  sleep "$pause"
done
rm -rf "$crowdsec"
for package in "$work"/*.deb; do dpkg -x "$package" "$crowdsec"; done
