# The generic builder of the stand-in: busybox's programs on PATH, the setup hooks of the build
# inputs, then the phases of nixpkgs' builder as far as packages here use them.
PATH=$tools
fixupOutputHooks=''

runHook() { eval "${1:+\$$1}"; }

# like nixpkgs' builder, a phase may be given as a variable and else is a function
runPhase() {
  eval "given=\${$1-}"
  if [ -n "$given" ]; then eval "$given"; else "$1"; fi
}

unpackPhase() {
  [ -n "${src-}" ] || return 0
  cp -r "$src" source
  chmod -R u+w source
  cd source
}
installPhase() { :; }
fixupPhase() {
  for hook in $fixupOutputHooks; do "$hook"; done
}

for input in $nativeBuildInputs $buildInputs $propagatedBuildInputs; do
  if [ -d "$input/bin" ]; then PATH=$input/bin:$PATH; fi
done
export PATH
for input in $nativeBuildInputs; do
  if [ -e "$input/nix-support/setup-hook" ]; then . "$input/nix-support/setup-hook"; fi
done

if [ -n "${buildCommand-}" ]; then
  eval "$buildCommand"
else
  [ -n "${dontUnpack-}" ] || runPhase unpackPhase
  [ -z "${buildPhase-}" ] || eval "$buildPhase"
  runPhase installPhase
  runHook preFixup
  [ -n "${dontFixup-}" ] || fixupPhase
  runHook postFixup
fi
