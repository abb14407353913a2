#!/bin/sh
# Fetches GitHub's OpenAPI document, recorded webhook bodies, an OpenID issuer and a TypeScript
# compiler, for some tests.
# usage: tools/npm.sh STAMP (made when the packages are in place)
set -eu
if ! command -v npm >/dev/null 2>&1; then
  if [ -n "${CI:-}" ]; then
    echo "npm is missing, and in CI the tests that need its packages must run." >&2
    exit 1
  fi
  echo "npm is not here: tests marked 'npm' will be skipped."
  exit 0
fi
echo "Installing npm packages"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --update-notifier=false >/dev/null
touch "$1"
