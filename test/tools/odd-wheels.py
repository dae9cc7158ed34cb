"""Writes wheels as Python's zipfile does: JSON on standard input, {file: [entry, …]}."""

import json
import sys
import warnings
import zipfile

warnings.simplefilter("ignore")  # of doubled names

for file, entries in json.load(sys.stdin).items():
    with zipfile.ZipFile(file, "w") as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry["name"])
            info.compress_type = entry.get("method", zipfile.ZIP_DEFLATED)
            info.external_attr = entry.get("mode", 0o100644) << 16
            with archive.open(info, "w", force_zip64=entry.get("zip64", False)) as out:
                out.write(entry["text"].encode() * entry.get("times", 1))
