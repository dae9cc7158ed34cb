# Sourced by tools that need packages of another Debian than the machine's: they are unpacked, and
# never installed. What sources this has `set -euo pipefail`.

# other_debian SUITE DIR: sets the array `apt`, an apt-get with lists and a cache of its own in DIR
# (DIR/cache/archives), that knows the packages of SUITE.
other_debian() {
  local suite=$1 dir=$2 mirror
  mirror=$(debian_mirror) || { echo "apt has no mirror of Debian here" >&2 && return 1; }
  mkdir -p "$dir"/{lists/partial,cache/archives/partial,etc}
  : >"$dir/status"
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -e "$keyring" ] || { echo "$keyring is missing: this is no Debian" >&2 && return 1; }
  echo "deb [signed-by=$keyring] $mirror $suite main" >"$dir/etc/sources.list"
  apt=(apt-get -qq -o "Dir::State=$dir" -o "Dir::State::lists=$dir/lists" -o "Dir::State::status=$dir/status"
    -o "Dir::Cache=$dir/cache" -o "Dir::Etc::sourcelist=$dir/etc/sources.list"
    -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root)
  "${apt[@]}" update
}

# The mirror that this machine uses, in whichever form its sources are written. Its security updates
# come from another folder.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' |
    awk '/\/debian\/?$/ && !found { found = $0 } END { if (!found) exit 1; print found }'
}
