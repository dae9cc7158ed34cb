# Layer 2: all wheels of the variant, as they were downloaded. Others are built from them; the image
# does not hold them. `nix build .#layer2-wheels` fills a binary cache with the downloads.
{
  pkgs,
  variant,
  packages,
  wheels,
}:
let
  all = map wheels.chosen [
    packages.pytorch
    packages.dependencies
    packages.performance
    packages.app
  ];
in
pkgs.linkFarm "layer2-wheels-${variant.name}" (
  map (wheel: {
    name = wheels.fileName wheel.url;
    path = wheels.download wheel;
  }) (pkgs.lib.concatLists all)
)
