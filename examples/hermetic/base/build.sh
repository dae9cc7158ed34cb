# Sourced first by every builder (derive.nix): stops at the first error, puts busybox's programs on
# PATH.
set -eu
tools=$NIX_BUILD_TOP/tools
"$shell" mkdir "$tools"
"$shell" --install -s "$tools"
export PATH="$tools"
