#!/bin/sh
# Makes a virtual environment with the newest Python of this machine that is 3.11 or later, and
# puts the hashed packages of a requirements file into it with plain pip.
# usage: tools/venv.sh DIRECTORY REQUIREMENTS
set -eu
venv=$1
requirements=$2

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if [ ! -x "$venv/bin/python" ]; then
  python=
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if fits "$candidate"; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then
    echo "Hookyard needs Python 3.11 or later; none was found. Set PYTHON=/path/to/python3.11." >&2
    exit 1
  fi
  rm -rf "$venv"
  echo "Making $venv with $("$python" --version)"
  # why: Debian keeps ensurepip in a package of its own; pip can still install from outside.
  if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv"
  fi
fi
if ! fits "$venv/bin/python"; then
  echo "$venv holds a Python older than 3.11; run 'make clean' and try again." >&2
  exit 1
fi

install="install -qq --disable-pip-version-check --no-deps --require-hashes --requirement"
if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  # shellcheck disable=SC2086
  "$venv/bin/python" -m pip $install "$requirements"
elif "${python:-python3}" -m pip --version >/dev/null 2>&1; then
  # shellcheck disable=SC2086
  "${python:-python3}" -m pip --python "$venv/bin/python" $install "$requirements"
else
  echo "pip is missing; install it (Debian: apt-get install python3-venv python3-pip)." >&2
  exit 1
fi
