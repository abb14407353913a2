#!/bin/sh
# Installs the commit hooks where there is a git checkout to install them into.
# usage: tools/hooks.sh BIN
set -eu
if ! command -v git >/dev/null 2>&1 || ! git rev-parse --git-dir >/dev/null 2>&1; then
  echo "Not a git checkout: commit hooks were left out."
elif git config --get core.hooksPath >/dev/null; then
  echo "core.hooksPath is set: commit hooks were left out ('$1/pre-commit run' still works)."
else
  "$1/pre-commit" install >/dev/null && echo "Commit hooks are in place."
fi
