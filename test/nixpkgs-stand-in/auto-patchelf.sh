# The setup hook of autoPatchelfHook (packages.nix).
fixupOutputHooks="$fixupOutputHooks autoPatchelf"
autoPatchelfPaths=''

addAutoPatchelfSearchPath() { autoPatchelfPaths="$autoPatchelfPaths $*"; }

# library_folder NAME FOLDER…: the first of the folders that has it
library_folder() {
  wanted=$1
  shift
  for folder in "$@"; do
    if [ -e "$folder/$wanted" ]; then
      echo "$folder"
      return
    fi
  done
  return 1
}

is_ignored() {
  set -f
  for pattern in ${autoPatchelfIgnoreMissingDeps-}; do
    case $1 in $pattern) set +f && return 0 ;; esac
  done
  set +f
  return 1
}

autoPatchelf() {
  # shellcheck disable=SC2086 # a list of folders
  own=$(find "$out" $autoPatchelfPaths -type f -name '*.so*' -exec dirname {} \; | sort -u)
  inputs=''
  for input in $buildInputs; do inputs="$inputs $input/lib"; done
  find "$out" -type f -name '*.so*' | while read -r file; do
    rpath=''
    for needed in $(patchelf --print-needed "$file"); do
      case $needed in
        libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | ld-linux*) continue ;;
      esac
      # shellcheck disable=SC2086 # lists of folders
      if folder=$(library_folder "$needed" $own $inputs); then
        case :$rpath: in *:$folder:*) ;; *) rpath=${rpath:+$rpath:}$folder ;; esac
      elif ! is_ignored "$needed"; then
        echo "auto-patchelf: $file needs $needed, which no build input has" >&2
        exit 1
      fi
    done
    patchelf --set-rpath "$rpath" "$file"
  done
}
