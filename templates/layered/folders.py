"""Merges paths into folders of the image, as comfy-nix does with a recipe's `folders`.

folders.py SPEC OUT, where SPEC is [{ "at": "/opt/x", "from": ["/nix/store/…", …] }, …], none inside
another. Links as high as possible: what one path alone brings is a link to it, a folder that two bring is a real one. Of one
file in two paths the first wins.
"""

import json
import os
import sys


def merge(target, folders):
    os.makedirs(target, exist_ok=True)
    by_name = {}
    for folder in folders:
        for name in os.listdir(folder):
            by_name.setdefault(name, []).append(os.path.join(folder, name))
    for name, paths in sorted(by_name.items()):
        place = os.path.join(target, name)
        if len(paths) > 1 and os.path.isdir(paths[0]):
            merge(place, [path for path in paths if os.path.isdir(path)])
        else:
            os.symlink(paths[0], place)
            for other in paths[1:]:
                print(f"{place}: {paths[0]} wins over {other}", file=sys.stderr)


with open(sys.argv[1]) as spec:
    for folder in json.load(spec):
        sources = [path for path in folder["from"] if os.path.isdir(path)]
        if not sources:
            sys.exit(folder["at"] + ": none of these is there: " + " ".join(folder["from"]))
        merge(sys.argv[2] + folder["at"], sources)
