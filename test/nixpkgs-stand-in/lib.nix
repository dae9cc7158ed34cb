# The part of nixpkgs' lib that is used here, with the same meaning.
rec {
  fix =
    f:
    let
      x = f x;
    in
    x;

  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];
  optionalString = condition: text: if condition then text else "";
  optionalAttrs = condition: attrs: if condition then attrs else { };

  inherit (builtins)
    any
    attrNames
    attrValues
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    genList
    head
    length
    listToAttrs
    mapAttrs
    partition
    replaceStrings
    tail
    ;
  importJSON = file: builtins.fromJSON (builtins.readFile file);

  concatMapStringsSep =
    separator: f: values:
    concatStringsSep separator (map f values);
  concatStrings = concatStringsSep "";
  concatMapStrings = concatMapStringsSep "";
  unique = builtins.foldl' (
    found: value: if elem value found then found else found ++ [ value ]
  ) [ ];
  versions.major = version: head (builtins.splitVersion version);
  nameValuePair = name: value: { inherit name value; };
  getName = package: package.pname or (builtins.parseDrvName package.name).name;
  getVersion = package: package.version or (builtins.parseDrvName package.name).version;
  mapAttrs' = f: attrs: listToAttrs (map (name: f name attrs.${name}) (attrNames attrs));
  mapAttrsToList = f: attrs: map (name: f name attrs.${name}) (attrNames attrs);
  filterAttrs =
    keep: attrs:
    listToAttrs (
      concatMap (name: optional (keep name attrs.${name}) (nameValuePair name attrs.${name})) (
        attrNames attrs
      )
    );
  genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
  foldr =
    f: last: values:
    if values == [ ] then last else f (head values) (foldr f last (tail values));

  toLower = replaceStrings upper lower;
  subtractLists = removed: builtins.filter (value: !elem value removed);
  hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      start = builtins.stringLength text - builtins.stringLength suffix;
    in
    start >= 0 && builtins.substring start (-1) text == suffix;
  removePrefix =
    prefix: text:
    if hasPrefix prefix text then
      builtins.substring (builtins.stringLength prefix) (-1) text
    else
      text;
  removeSuffix =
    suffix: text:
    if hasSuffix suffix text then
      builtins.substring 0 (builtins.stringLength text - builtins.stringLength suffix) text
    else
      text;
  splitString =
    separator: text: filter builtins.isString (builtins.split (escapeRegex separator) text);
  escapeRegex = replaceStrings (map (c: c) regexLetters) (map (c: "\\" + c) regexLetters);
  escapeShellArg = text: "'" + replaceStrings [ "'" ] [ "'\\''" ] (toString text) + "'";
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;

  # Packages here have one output, which is all of nixpkgs' at once.
  getBin = package: package;
  getLib = package: package;
  getDev = package: package;
  getExe = package: "${package}/bin/${package.meta.mainProgram or package.pname or package.name}";
  makeBinPath = concatMapStringsSep ":" (package: "${package}/bin");
  makeLibraryPath = concatMapStringsSep ":" (package: "${package}/lib");

  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

  licenses = {
    gpl3Only = { free = true; shortName = "gpl3Only"; };
    mit = { free = true; shortName = "mit"; };
    unfree = { free = false; shortName = "unfree"; };
    nvidiaCuda = { free = false; shortName = "CUDA EULA"; };
  };

  upper = genLetters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  lower = genLetters "abcdefghijklmnopqrstuvwxyz";
  regexLetters = genLetters "\\[{()^$?*+|.";
  genLetters = text: genList (at: builtins.substring at 1 text) (builtins.stringLength text);
}
