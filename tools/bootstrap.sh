#!/usr/bin/env bash
# Make a virtual environment, or say in one sentence what this machine lacks for it.
#   tools/bootstrap.sh DIRECTORY [PYTHON]
# PYTHON is a program or a path (default: python3). Doing it again costs nothing; an environment whose Python went away is made anew.
set -euo pipefail

venv=${1:?usage: tools/bootstrap.sh DIRECTORY [PYTHON]}
wanted=${2:-python3}

say() { printf '%s\n' "$*" >&2; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; }

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=
for candidate in "$wanted" python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.14; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    say "xdrkit needs Python 3.9 or newer; none was found ('$wanted' was tried first). Install one, or name it: make PYTHON=/path/to/python3"
    exit 1
fi
[ "$python" = "$wanted" ] || say "'$wanted' is missing or older than 3.9; using $python"

rm -rf "$venv"
if "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    "$python" -m venv "$venv"
elif "$python" -c 'import virtualenv' >/dev/null 2>&1; then
    "$python" -m virtualenv --quiet "$venv"
elif "$python" -c 'import venv' >/dev/null 2>&1 && "$python" -m pip --python "$python" --version >/dev/null 2>&1; then
    # Debian splits ensurepip off; a pip outside of the environment can fill it.
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --python "$venv/bin/python" install --quiet --disable-pip-version-check pip
else
    say "$("$python" --version) has no venv with pip. On Debian and Ubuntu: apt-get install python3-venv. On Fedora: dnf install python3-pip."
    exit 1
fi
