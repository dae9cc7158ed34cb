# The layer targets, from what seldom changes to what often does. A target is a small tree of links
# to the packages of its layer. The image shows these trees at /, merged (`root` in image.nix): a
# package has a fixed path inside the image and costs one link there, however many files it has.
{ derive, linkTree }:
let
  sitePackages = "lib/python3.14/site-packages";

  # { torch = drv; } as links in site-packages.
  modules =
    packages:
    builtins.listToAttrs (
      map (module: {
        name = "${sitePackages}/${module}";
        value = packages.${module};
      }) (builtins.attrNames packages)
    );

  # A stand-in for a Python package: a version, and what it refers to and so has in its closure.
  package =
    module: version: requires:
    derive "${module}-${version}" { inherit version requires; } ''
      mkdir "$out"
      echo "$version" > "$out/version"
      echo "$requires" > "$out/requires"
    '';

  # The same, out of a wheel. What is installed is a copy: the download stays out of the image.
  installWheel =
    module: requires:
    derive module
      {
        inherit module requires;
        wheels = layer2-wheels;
      }
      ''
        mkdir "$out"
        sed -n 's/^Version: //p' "$wheels/$module.whl" > "$out/version"
        test -s "$out/version"
        echo "$requires" > "$out/requires"
      '';

  # Layer 0: a shell, users, the system's name.
  applets = [
    "cat"
    "env"
    "id"
    "ls"
    "sh"
    "sleep"
  ];

  # Copied, so that the image does not depend on how the machine's busybox was handed in.
  busybox = derive "busybox" { inherit applets; } ''
    mkdir -p "$out/bin"
    cp "$shell" "$out/bin/busybox"
    for applet in $applets; do
      ln -s busybox "$out/bin/$applet"
    done
  '';

  etc = derive "etc" { } ''cp -r "$base/etc" "$out"'';

  layer0-base = linkTree "layer0-base" (
    builtins.listToAttrs (
      map (applet: {
        name = "bin/${applet}";
        value = "${busybox}/bin/${applet}";
      }) applets
    )
    // {
      "etc/group" = "${etc}/group";
      "etc/os-release" = "${etc}/os-release";
      "etc/passwd" = "${etc}/passwd";
    }
  );

  # Layer 1: the interpreter, and packages that nixpkgs would have.
  python =
    derive "python-3.14.0"
      {
        interpreter = ./python/interpreter.sh;
        sh = "${layer0-base}/bin/sh";
      }
      ''
        mkdir -p "$out/bin"
        echo "#!$sh" | cat - "$interpreter" > "$out/bin/python"
        chmod +x "$out/bin/python"
      '';

  layer1-python = linkTree "layer1-python" (
    { "bin/python" = "${python}/bin/python"; }
    // modules { numpy = package "numpy" "2.3.5" [ python ]; }
  );

  # Layer 2: the downloads. Layers 3 and 5 are built from it, the image does not hold it.
  layer2-wheels = derive "layer2-wheels" { wheels = ./wheels; } ''cp -r "$wheels" "$out"'';

  # Layer 3: PyTorch.
  layer3-pytorch = linkTree "layer3-pytorch" (modules {
    torch = installWheel "torch" [ layer1-python ];
    torchvision = installWheel "torchvision" [ layer1-python ];
  });

  # Layer 4: one package for each line "name==version" of deps.txt.
  requirement =
    line:
    let
      parts = builtins.match "([a-z0-9_]+)==([0-9.]+)" line;
    in
    if parts == null then
      throw "deps.txt: expected name==version, found: ${line}"
    else
      {
        name = builtins.elemAt parts 0;
        value = package (builtins.elemAt parts 0) (builtins.elemAt parts 1) [ layer3-pytorch ];
      };

  requirements = builtins.filter (line: builtins.isString line && line != "") (
    builtins.split "\n" (builtins.readFile ./deps.txt)
  );

  layer4-deps = linkTree "layer4-deps" (
    modules (builtins.listToAttrs (map requirement requirements))
  );

  # Layer 5: wheels that make PyTorch faster. They refer to layer 3, but not to layer 4.
  layer5-perf = linkTree "layer5-perf" (modules {
    flash_attn = installWheel "flash_attn" [ layer3-pytorch ];
    sageattention = installWheel "sageattention" [ layer3-pytorch ];
  });

  # Layer 6: the application. It calls Python by its path inside the image, /bin/python, and so has
  # none of the layers above as a build input: a machine that holds nothing can build it alone.
  comfyui = derive "comfyui-app" { app = ./app; } ''cp -r "$app" "$out"'';

  layer6-app = linkTree "layer6-app" { "opt/comfyui" = comfyui; };
in
{
  inherit
    layer0-base
    layer1-python
    layer2-wheels
    layer3-pytorch
    layer4-deps
    layer5-perf
    layer6-app
    ;
}
