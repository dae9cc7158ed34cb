"""tree.py SCRIPT LAYER…: is the tree that SCRIPT streams (a docker-archive) that of the LAYERs (zstd)?

Of /nix/store everything is compared but for the derivation of links, which comfy-nix does without:
kind, size, mode, owner, target. What is outside of it is compared by where it leads to.
"""

import os
import subprocess
import sys
import tarfile


def add_layer(stream, tree):
    for entry in tarfile.open(fileobj=stream, mode="r|"):
        path = "/" + entry.name.strip("./")
        what = (entry.type, entry.linkname, entry.size, entry.mode, entry.uid, entry.gid)
        if entry.isdir():
            tree.setdefault(path, what)
        else:
            tree[path] = what


def streamed(script):
    tree = {}
    with subprocess.Popen([script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        archive = tarfile.open(fileobj=process.stdout, mode="r|")
        for entry in archive:
            if entry.name.endswith("layer.tar"):
                add_layer(archive.extractfile(entry), tree)
    return tree


def pulled(layers):
    tree = {}
    for layer in layers:
        with subprocess.Popen(["zstd", "-dcq", layer], stdout=subprocess.PIPE) as process:
            add_layer(process.stdout, tree)
    return tree


class View:
    """What a program in the image sees outside of the store."""

    def __init__(self, tree):
        self.tree = tree
        self.children = {}
        for path in tree:
            while path != "/":
                parent = os.path.dirname(path)
                known = self.children.setdefault(parent, set())
                if path in known:
                    break
                known.add(path)
                path = parent

    def resolve(self, path, depth=0):
        """Follows links in every part of the path."""
        if depth > 40:
            return None
        at = "/"
        for part in path.strip("/").split("/"):
            at = os.path.normpath(os.path.join(at, part))
            link = self.tree.get(at)
            if link and link[0] == tarfile.SYMTYPE:
                target = os.path.join(os.path.dirname(at), link[1])
                at = self.resolve(os.path.normpath(target), depth + 1)
                if at is None:
                    return None
        return at

    def leaves(self, path="/", depth=0):
        """(path, where it leads to), for what is no folder; folders in the store are not walked into
        unless other things are merged there."""
        real = self.resolve(path)
        if path == "/nix" or depth > 40:
            return
        below = self.children.get(real)
        if below is None:
            yield path, real, self.tree.get(real)
            return
        for child in sorted(below):
            yield from self.leaves(os.path.join(path, os.path.basename(child)), depth + 1)


def store_of(tree, links):
    return {p: w for p, w in tree.items() if p.startswith("/nix/store/") and not p.startswith(links)}


def differences(left, right, left_name, right_name):
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            yield f"{path}: {left_name} {left.get(path)}, {right_name} {right.get(path)}"


def main(script, *layers):
    nix, ours = streamed(script), pulled(layers)
    [links] = {p for p in nix if p.endswith("-folders") and p.count("/") == 3}
    store = list(differences(store_of(nix, links), store_of(ours, links), "Nix", "comfy-nix"))
    views = [{p: (real, what) for p, real, what in View(t).leaves()} for t in (nix, ours)]
    views[0].pop("/etc/image-layers", None)
    view = list(differences(*views, "Nix", "comfy-nix"))
    print(f"{len(store_of(ours, links))} entries of the store, {len(views[1])} files seen elsewhere")
    print(f"{len(store)} and {len(view)} of them differ")
    if store or view:
        sys.exit("\n".join(store[:10] + view[:10]))


main(*sys.argv[1:])
