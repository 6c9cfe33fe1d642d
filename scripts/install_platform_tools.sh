#!/usr/bin/env bash
# Installs the checkers and SDKs of the platforms that packages are made for, each in an environment of its own, as their
# versions go neither with ours nor with each other's: scripts/install_platform_tools.sh UV FOLDER
set -euo pipefail
uv=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
python=$("$(dirname "$uv")/python" -c 'import sys; print(sys._base_executable)')

environment() {
  local name=$1 interpreter=$2
  shift 2
  "$uv" venv -q --clear -p "$interpreter" "$folder/$name"
  "$uv" pip install -q -p "$folder/$name/bin/python" "$@"
}

# Both need Python 3.11 or 3.12 for wheels of what they pin.
older=$("$uv" python find '>=3.11,<3.13' 2>/dev/null || echo "$python")
environment demisto "$older" 'demisto-sdk==1.39.13'
environment appinspect "$older" 'splunk-appinspect==4.3.1'
environment openapi "$older" 'openapi-spec-validator==0.9.0'
environment shuffle "$older" 'shuffle-sdk==0.0.41'
newer=$("$uv" python find 3.13 2>/dev/null || find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path '*/3.13.*/bin/python' 2>/dev/null |
  sort -V | tail -1)
if [ -n "$newer" ]; then
  environment soar "$newer" 'splunk-soar-sdk==7.0.3'
else
  echo "no Python 3.13 is here: splunk-soar-sdk is left out" >&2
fi
