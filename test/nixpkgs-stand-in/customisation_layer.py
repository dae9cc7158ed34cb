"""Writes layer.tar and checksum for a folder: customisation_layer.py FOLDER OWNERS OUT.

OWNERS has lines "uid:gid path"; all else is root's. Entries are sorted and have one date.
"""

import hashlib
import sys
import tarfile
from pathlib import Path

folder, owners, out = map(Path, sys.argv[1:])
owned = {}
for line in owners.read_text().splitlines():
    ids, path = line.split(" ", 1)
    owned[str(Path(path))] = [int(part) for part in ids.split(":")]

with tarfile.open(out / "layer.tar", "w", format=tarfile.GNU_FORMAT) as tar:
    for path in [folder, *sorted(folder.rglob("*"))]:
        name = str(path.relative_to(folder))
        info = tar.gettarinfo(path, "./" if name == "." else f"./{name}")
        info.uid, info.gid = owned.get(name, [0, 0])
        info.uname = info.gname = ""
        info.mtime = 1
        if info.isreg():
            with open(path, "rb") as content:
                tar.addfile(info, content)
        else:
            tar.addfile(info)

checksum = hashlib.sha256((out / "layer.tar").read_bytes()).hexdigest()
(out / "checksum").write_text(checksum + "\n")
