#!/usr/bin/env bash
# Installs the clients that tests drive the cloud with, apart from Maycloud's own environment:
# SAM CLI (its pins clash with ours) below .tools/sam, the JavaScript SDK below tests/clients.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .uv/bin/uv)
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "tools: Node.js 20 or newer and npm are needed (apt-get install nodejs npm)" >&2
    exit 1
fi
if [ ! -x .tools/sam/bin/sam ]; then
    "$uv" venv --quiet --python "${PYTHON:-python3}" .tools/sam
    VIRTUAL_ENV=$PWD/.tools/sam "$uv" pip install --quiet "aws-sam-cli==1.163.0"
fi
# Chromium for the browser tests: the system's own, installed where that is allowed.
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null && [ -z "${CHROMIUM:-}" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq chromium >/dev/null
    else
        echo "tools: Chromium is needed for the browser tests: install it, or name it: CHROMIUM=/path make test" >&2
        exit 1
    fi
fi
(cd tests/clients && npm ci --silent --no-audit --no-fund)
