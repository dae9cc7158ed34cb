"""Unpacks a wheel as a tree for PYTHONPATH: python3 unpack-wheel.py WHEEL OUT [HASH]

HASH is the SRI sha256 that the wheel must have. What goes where is the rule of comfy-nix's
docs/wheel-trees.md, which the hashes `unpacked` of wheels.lock.json are made by: another rule makes
other hashes, so change nothing here.
"""

import base64
import hashlib
import os
import re
import sys
import zipfile
import zlib

INTERPRETER = b"#!/opt/python/bin/python3\n"

LARGEST_TREE = 16 * 2**30
MOST_ENTRIES = 200_000
LONGEST_PATH = 4096
LONGEST_NAME = 255
LONGEST_TEXT = 16 * 2**20
PIECE = 2**20


class Refused(Exception):
    """Of what, and why."""

    def __init__(self, what, why):
        super().__init__(f"{what!a}: {why}.")


def main(wheel, out, expected=None):
    if expected is not None:
        check_hash(wheel, expected)
    with open(wheel, "rb") as file:
        archive = open_archive(file, os.path.basename(wheel))
        write_tree(out, files_of(archive))


def check_hash(wheel, expected):
    digest = hashlib.sha256()
    with open(wheel, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    found = "sha256-" + base64.b64encode(digest.digest()).decode()
    if found != expected:
        raise Refused(os.path.basename(wheel), f"its hash is {found}, and not {expected}")


# The archive


class Archive:
    """Entries that hold files, checked; and where their bytes are."""

    def __init__(self, file, name, entries):
        self.file = file
        self.name = name
        self.entries = entries

    def content(self, entry):
        """The bytes of an entry, piece by piece; each claim of the archive about them is checked."""
        start = data_start(self.file, entry)
        pieces = read_range(self.file, start, entry.compress_size)
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            pieces = inflated(pieces, entry)
        size = checksum = 0
        for piece in pieces:
            size += len(piece)
            if size > entry.file_size:
                break
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if size != entry.file_size:
            raise wrong_size(entry)
        if checksum != entry.CRC:
            raise Refused(entry.orig_filename, "its checksum is not what the archive says")

    def text(self, entry):
        if entry.file_size > LONGEST_TEXT:
            raise Refused(entry.orig_filename, "it is too long for a text")
        return b"".join(self.content(entry))


def wrong_size(entry):
    return Refused(entry.orig_filename, "its size is not what the archive says")


def open_archive(file, name):
    try:
        entries = zipfile.ZipFile(file).infolist()
    except UnicodeDecodeError as error:
        raise Refused(name, "a name in it is not UTF-8") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise Refused(name, f"it is no zip that can be read ({error})") from error
    if len(entries) > MOST_ENTRIES:
        raise Refused(name, f"it has more than {MOST_ENTRIES} entries")
    for entry in entries:
        check_name(entry)
    for entry in entries:
        check_kind(entry)
    check_sizes(entries, name)
    files = [entry for entry in entries if not entry.orig_filename.endswith("/")]
    return Archive(file, name, files)


def check_name(entry):
    name = entry.orig_filename
    if not name.isascii() and not entry.flag_bits & 0x800:
        raise Refused(name, "its name is not UTF-8")
    if re.search("[\0-\x1f\x7f-\x9f]", name):
        raise Refused(name, "its name has a control character")
    if "\\" in name:
        raise Refused(name, "its name has a backslash")
    if name.startswith("/"):
        raise Refused(name, "its path is absolute")
    parts = (name[:-1] if name.endswith("/") else name).split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise Refused(name, 'its path has a part that is "..", "." or empty')
    if len(name.encode()) > LONGEST_PATH or max(len(part.encode()) for part in parts) > LONGEST_NAME:
        raise Refused(name, "its name is too long")


REGULAR, FOLDER, LINK = 0o100000, 0o040000, 0o120000


def kind_of(entry):
    return (entry.external_attr >> 16) & 0o170000


def is_executable(entry):
    return kind_of(entry) == REGULAR and bool((entry.external_attr >> 16) & 0o111)


def check_kind(entry):
    name = entry.orig_filename
    if kind_of(entry) == LINK:
        raise Refused(name, "it is a link")
    if kind_of(entry) not in ((0, REGULAR, FOLDER) if name.endswith("/") else (0, REGULAR)):
        raise Refused(name, "it is neither a file nor a folder")
    if entry.flag_bits & 0x2041:
        raise Refused(name, "it is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = entry.compress_type
        raise Refused(name, f"its method is {method}, neither stored (0) nor deflated (8)")


def check_sizes(entries, name):
    if sum(entry.file_size for entry in entries) > LARGEST_TREE:
        raise Refused(name, f"its tree would have more than {LARGEST_TREE} bytes")
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < end:
            raise Refused(entry.orig_filename, "its bytes are those of another entry, too")
        end = entry.header_offset + 30 + len(entry.orig_filename.encode()) + entry.compress_size


def data_start(file, entry):
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\3\4"):
        raise Refused(entry.orig_filename, "it has no local header")
    name_size = int.from_bytes(header[26:28], "little")
    extra_size = int.from_bytes(header[28:30], "little")
    if file.read(name_size) != entry.orig_filename.encode():
        raise Refused(entry.orig_filename, "its local header has another name")
    return entry.header_offset + 30 + name_size + extra_size


def read_range(file, start, size):
    while size > 0:
        file.seek(start)
        piece = file.read(min(PIECE, size))
        if not piece:
            return
        start += len(piece)
        size -= len(piece)
        yield piece


def inflated(pieces, entry):
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            while piece:
                if decoder.eof:
                    raise wrong_size(entry)
                yield decoder.decompress(piece, PIECE)
                piece = decoder.unconsumed_tail or decoder.unused_data
        while not decoder.eof:
            rest = decoder.decompress(b"", PIECE)
            if not rest and not decoder.eof:
                raise zlib.error("incomplete")
            yield rest
    except zlib.error as error:
        raise Refused(entry.orig_filename, "its compressed bytes are damaged") from error


# What goes where


def files_of(archive):
    """[(path, whether it is executable, pieces)], each path once."""
    files, scripts = [], []
    for entry in archive.entries:
        place(entry, files, scripts)
    programs = programs_of(archive, files)
    kept = [script for script in scripts if program_of(script[0]) not in programs]
    return [
        *((path, is_executable(entry), archive.content(entry)) for path, entry in files),
        *((path, True, script_content(archive, entry)) for path, entry in kept),
        *(("bin/" + name, True, [text]) for name, text in programs.items()),
    ]


def place(entry, files, scripts):
    name = entry.orig_filename
    top, *rest = name.split("/", 2)
    if not top.endswith(".data"):
        files.append((name, entry))
        return
    if len(rest) < 2:
        raise Refused(name, "it is in no folder of a category of data")
    category, path = rest
    if category in ("purelib", "platlib", "data"):
        files.append((path, entry))
    elif category == "scripts":
        scripts.append(("bin/" + path, entry))
    elif category != "headers":
        raise Refused(name, f'wheels have no category of data called "{category}"')


def program_of(path):
    """The entry point that a script belongs to, with the endings that setuptools gives its name."""
    return re.sub(r"(\.exe|-script\.py|\.pya)\Z", "", path.rsplit("/", 1)[-1], flags=re.I)


def script_content(archive, entry):
    start = b""
    for start in archive.content(entry):
        break
    if not start.startswith(b"#!python"):
        yield from archive.content(entry)
    else:
        yield INTERPRETER + archive.text(entry).partition(b"\n")[2]


# Entry points


def programs_of(archive, files):
    tops = (path.split("/", 1) for path, _ in files)
    folders = {top[0] for top in tops if len(top) > 1 and top[0].endswith(".dist-info")}
    if len(folders) != 1:
        why = f"its tree must have one folder .dist-info, and has {len(folders)}"
        raise Refused(archive.name, why)
    path = folders.pop() + "/entry_points.txt"
    entry = next((entry for other, entry in files if other == path), None)
    if entry is None:
        return {}
    try:
        text = archive.text(entry).decode()
    except UnicodeDecodeError as error:
        raise Refused(entry.orig_filename, "it is not UTF-8") from error
    return read_programs(text, entry.orig_filename)


IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
DOTTED = rf"{IDENTIFIER}(?:\.{IDENTIFIER})*"
OBJECT = re.compile(rf"({DOTTED})[ \t]*:[ \t]*({DOTTED})[ \t]*(?:\[[^\]]*\])?")
NAME = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9_.+-]+")


def read_programs(text, file):
    programs, group = {}, None
    for line in text.split("\n"):
        line = line.strip(" \t\r")
        if line.startswith(("#", ";")) or not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip(" \t\r")
        elif group in ("console_scripts", "gui_scripts"):
            name, _, value = line.partition("=")
            name = name.strip(" \t\r")
            match = OBJECT.fullmatch(value.strip(" \t\r"))
            if not NAME.fullmatch(name) or match is None:
                raise Refused(file, f'"{line}" is no entry point (name = module:function)')
            if name in programs:
                raise Refused(file, f"it has the program {name} twice")
            programs[name] = program_text(*match.groups())
    return programs


def program_text(module, function):
    lines = [
        "import sys",
        f"from {module} import {function.split('.')[0]}",
        "if __name__ == '__main__':",
        f"    sys.exit({function}())",
        "",
    ]
    return INTERPRETER + "\n".join(lines).encode()


# The tree


def write_tree(out, files):
    check_paths([path for path, _, _ in files])
    os.mkdir(out, 0o755)
    for path, executable, pieces in files:
        target = os.path.join(out, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "xb") as file:
            for piece in pieces:
                file.write(piece)
            os.fchmod(file.fileno(), 0o755 if executable else 0o644)


def check_paths(paths):
    seen, folders = set(), set()
    for path in paths:
        if path in seen:
            raise Refused(path, "the tree would have it twice")
        seen.add(path)
        above = os.path.dirname(path)
        while above and above not in folders:
            folders.add(above)
            above = os.path.dirname(above)
    both = seen & folders
    if both:
        why = "the tree would have it, or a folder above it, as a file and as a folder"
        raise Refused(min(both), why)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as error:
        sys.exit(str(error))
