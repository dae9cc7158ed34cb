"""download.py URL FILE: as nixpkgs' fetchurl has curl do it."""

import shutil
import ssl
import sys
import urllib.request

url, file = sys.argv[1:]
context = ssl._create_unverified_context()
with urllib.request.urlopen(url, context=context, timeout=60) as answer, open(file, "wb") as out:
    shutil.copyfileobj(answer, out, 1 << 20)
