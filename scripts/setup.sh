#!/usr/bin/env bash
# Makes .venv with everything locked in requirements.lock, and Maycloud itself; bootstraps uv where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "setup: Python 3.11 or newer is needed; install it, or name it: PYTHON=python3.12 make setup" >&2
    exit 1
fi
if command -v uv >/dev/null; then
    uv=uv
else
    # uv is only the installer: it lives in a small environment of its own.
    [ -x .uv/bin/uv ] || { "$python" -m venv .uv && .uv/bin/pip install --quiet uv; }
    uv=.uv/bin/uv
fi
[ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
export VIRTUAL_ENV=$PWD/.venv
"$uv" pip install --quiet --require-hashes -r requirements.lock
"$uv" pip install --quiet --no-deps --editable .
