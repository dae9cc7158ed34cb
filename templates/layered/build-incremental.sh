# Builds the layers in order, one after the other, and says how long each took.
#   nix run .#build-incremental [-- VARIANT [OPTION…]]
# VARIANT is such as cu128-py313. Options go to `nix build`. FLAKE (.) is the flake's folder.
set -eu
variant=''
case ${1-} in
  '' | -*) ;;
  *)
    variant=-$1
    shift
    ;;
esac

flake=${FLAKE:-.}
targets='layer2-cuda layer3-pytorch layer5-performance layer4-dependencies layer0-base
  layer1-python layer4-sources bytecode-pytorch bytecode-torch bytecode-torchvision
  bytecode-torchaudio bytecode-triton bytecode-performance bytecode-dependencies layer6-wheels
  bytecode-app layer6-app comfyui'
table=''
for target in $targets; do
  echo "==> $target$variant" >&2
  started=$(date +%s)
  link="--no-link"
  if [ "$target" = comfyui ]; then link="--out-link result"; fi
  # shellcheck disable=SC2086 # one or two words
  nix --extra-experimental-features 'nix-command flakes' \
    build "$flake#$target$variant" $link "$@"
  table="$table$(printf '%-22s %6d s' "$target" $(($(date +%s) - started)))
"
done
printf '\n%s\nNow: ./result | docker load\n' "$table"
