#!/usr/bin/env bash
# Everything that must hold before a commit. `--lint-only` leaves the tests out.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
echo "style";     $bin/ruff check . && $bin/ruff format --check -q .
echo "layers";    $bin/lint-imports --no-cache >/tmp/araz-layers.$$ || { cat /tmp/araz-layers.$$; rm -f /tmp/araz-layers.$$; exit 1; }
rm -f /tmp/araz-layers.$$
echo "types";     $bin/mypy
echo "generated"; $bin/python tools/generate.py --check
if [[ "${1:-}" == "--lint-only" ]]; then exit 0; fi
# The browser's driver keeps an event loop of its own, which other tests in the same process must not meet.
$bin/python -m pytest -q -n 2 --dist loadfile --ignore=tests/browser "$@"
exec $bin/python -m pytest -q tests/browser
