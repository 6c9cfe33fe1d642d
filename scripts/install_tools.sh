#!/usr/bin/env bash
# Installs checkers of other makers that tests of manifests/ run when they are there: scripts/install_tools.sh UV FOLDER
# sigma-cli and splint in an environment of their own (sigma-cli pins another pySigma than ours), Kusto's parser from npm.
set -euo pipefail
uv=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
python=$(dirname "$uv")/python
# One virtual environment's folder of programs is all that the tests look for.
"$uv" venv -q --clear -p "$("$python" -c 'import sys; print(sys._base_executable)')" "$folder/venv"
"$uv" pip install -q -p "$folder/venv/bin/python" 'sigma-cli==3.1.0' 'splint-spl==0.1.0'
if command -v npm >/dev/null; then
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" '@kusto/language-service-next@12.4.1'
else
  echo "npm is not installed: the Kusto parser is left out" >&2
fi
