# Stand-in for the Python interpreter: `python FILE` runs FILE as a shell script in which
# `import NAME` finds a package in site-packages and sets the variable NAME to its version.
set -eu

import() {
  version=/lib/python3.14/site-packages/$1/version
  if [ ! -e "$version" ]; then
    echo "ModuleNotFoundError: No module named '$1'" >&2
    exit 1
  fi
  read -r "$1" < "$version"
}

. "$1"
