# Sourced by the other scripts, which have set -euo pipefail and `root`, the repository's folder.
# What they need of the machine: a Node 24, the project's packages, and Debian packages.

umask 022 # programs that run as other users read what is made here

heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

stop() {
  printf '\n%s\n' "$@" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -- "$@"; fi
}

may_become_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

# The Node that everything runs on comes first on PATH: that of the project's packages, or this
# machine's where it is new enough, or one that is fetched into build/node.
prepare_node() {
  local version arch fetched=$root/build/node
  export PATH=$root/node_modules/.bin:$fetched/node_modules/.bin:$PATH:/usr/sbin:/sbin
  hash -r
  ! is_new_node || return 0
  version=$(sed -n 's/^ *"node": "\([0-9.]*\)",*$/\1/p' "$root/package.json")
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) stop "Node ${version%%.*} is missing. Install it and start again." ;;
  esac
  require_npm
  heading "npm fetches Node $version into build/node$(from_registry)"
  # the package that holds the program itself: no script runs, and it brings no others
  npm install --prefix "$fetched" --ignore-scripts --no-audit --no-fund --no-save --loglevel=error \
    "node-linux-$arch@$version" ||
    stop "Node $version could not be fetched. Install Node ${version%%.*} and start again."
  hash -r
}

# Where npm gets packages: one that does not answer, or a proxy on the way, is waited for long.
from_registry() {
  local proxy=${HTTPS_PROXY:-${https_proxy:-${HTTP_PROXY:-${http_proxy:-}}}}
  printf ' from %s' "$(npm config get registry | sed 's#//[^/@]*@#//#')"
  [ -z "$proxy" ] || printf ', by the proxy %s' "${proxy##*@}"
}

is_new_node() { node -e 'process.exit(parseInt(process.versions.node) < 24 ? 1 : 0)' 2>/dev/null; }

# The project's packages, with which tests, checks and the build are run; one of them is Node 24. The
# machine's own Node runs npm: by where that is, npm finds the settings of the machine.
prepare_packages() {
  if [ ! -x "$root/node_modules/.bin/node" ] ||
    [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
    require_npm
    heading "npm ci$(from_registry)"
    (cd "$root" && npm ci --no-audit --no-fund)
  fi
  prepare_node
}

require_npm() {
  command -v npm >/dev/null || stop 'npm is missing. Install Node 20 or newer, with npm.'
}

# missing_packages PROGRAM=PACKAGE…: the packages of those programs, or of files that a pattern
# names, that are not on this machine.
missing_packages() {
  local pair
  for pair in "$@"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || compgen -G "${pair%%=*}" >/dev/null ||
      echo "${pair#*=}"
  done
}

# The package `busybox` has one that needs the machine's C library.
has_static_busybox() {
  local file
  file=$(command -v busybox) && ! ldd "$file" >/dev/null 2>&1
}

# install_packages PACKAGE…: by apt, when this user may; otherwise says what to do, and ends.
install_packages() {
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    stop "These packages (by Debian's names) are missing: $*" 'Install them and run this again.'
  may_become_root || stop_for_root "$(apt_command "$@")"
  heading "installing $*"
  as_root "$root/scripts/apt-install" "$@" ||
    stop 'These packages could not be installed. Install them yourself and start again:' "  $*"
}

# apt_command PACKAGE…: what a person types as root to have them.
apt_command() { echo "apt-get update && apt-get install -y --no-install-recommends $*"; }

# stop_for_root COMMAND…: this user lacks what only root can do.
stop_for_root() {
  printf '\nThis needs what is not there, and this user may not install it.\n' >&2
  printf 'Run this as root, and start again:\n\n' >&2
  printf '  %s\n' "$@" >&2
  exit 1
}
