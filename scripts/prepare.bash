# Sourced by the other scripts, which have set -euo pipefail and `root`, the repository's folder.
# What they need of the machine: a Node 24 with the project's packages, and Debian packages.

heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

stop() {
  printf '\n%s\n' "$@" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -- "$@"; fi
}

may_become_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

# The project's packages, one of which is the Node that everything runs on.
prepare_node() {
  command -v npm >/dev/null || stop 'npm is missing. Install Node 20 or newer, with npm.'
  if [ ! -x "$root/node_modules/.bin/node" ] ||
    [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
    heading 'npm ci'
    (cd "$root" && npm ci --no-audit --no-fund)
  fi
  export PATH=$root/node_modules/.bin:$PATH:/usr/sbin:/sbin
}

# missing_packages PROGRAM=PACKAGE…: the packages of those programs, or of files that a pattern
# names, that are not on this machine.
missing_packages() {
  local pair
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || compgen -G "${pair%%=*}" >/dev/null ||
      echo "${pair#*=}"
  done
}

# install_packages PACKAGE…: by apt, when this user may; otherwise says what to do, and ends.
install_packages() {
  [ $# -gt 0 ] || return 0
  local command="apt-get install -y --no-install-recommends $*"
  command -v apt-get >/dev/null ||
    stop "These packages (by Debian's names) are missing: $*" 'Install them and run this again.'
  may_become_root || stop "Packages are missing. Run this as root, then start again:" "  $command"
  heading "$command"
  # in run level 1 no service is started: sshd and nginx are only wanted as programs
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c "$command" ||
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c "apt-get update && $command" ||
    stop "Packages could not be installed. Install them yourself and start again:" "  $command"
}
