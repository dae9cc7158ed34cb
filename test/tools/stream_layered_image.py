"""Writes the docker-archive of a conf.json to standard output.

Written for the tests from the description of nixpkgs' streamLayeredImage; what it must share with that
program is every byte of the layers and of the image config. With --paths it writes one layer's tar.
"""

import hashlib
import io
import json
import os
import sys
import tarfile
import threading
from datetime import datetime, timezone
from pathlib import Path


def owned(info, conf):
    info.mtime = conf["mtime"]
    info.uid, info.gid = conf["uid"], conf["gid"]
    info.uname, info.gname = conf["uname"], conf["gname"]
    return info


def write_layer(out, paths, conf):
    with tarfile.open(fileobj=out, mode="w|") as tar:
        for name in ("/nix", "/nix/store"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(owned(folder, conf))
        for root in map(Path, paths):
            files = [root] if root.is_symlink() else [root, *root.rglob("*")]
            for file in sorted(files):
                info = tar.gettarinfo(file)
                info.name = "/" + info.name
                if info.islnk():
                    info.type, info.linkname = tarfile.REGTYPE, ""
                    info.size = file.stat().st_size
                owned(info, conf)
                if info.isreg():
                    with open(file, "rb") as content:
                        tar.addfile(info, content)
                else:
                    tar.addfile(info)


class Measure:
    def __init__(self):
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)


def add_store_layer(archive, paths, conf):
    measure = Measure()
    write_layer(measure, paths, conf)
    info = tarfile.TarInfo(measure.hash.hexdigest() + "/layer.tar")
    info.size, info.mtime = measure.size, conf["mtime"]
    reading, writing = os.pipe()

    def produce():
        with open(writing, "wb") as pipe:
            write_layer(pipe, paths, conf)

    producer = threading.Thread(target=produce)
    producer.start()
    with open(reading, "rb") as pipe:
        archive.addfile(info, pipe)
    producer.join()
    return info.name, measure.hash.hexdigest(), paths


def add_customisation_layer(archive, folder, conf):
    checksum = Path(folder, "checksum").read_text().strip()
    with open(Path(folder, "layer.tar"), "rb") as content:
        info = archive.gettarinfo(fileobj=content)
        info.name, info.mtime = checksum + "/layer.tar", conf["mtime"]
        archive.addfile(info, content)
    return info.name, checksum, [folder]


def add_base_layers(archive, base, manifest, config):
    for name, diff_id in zip(manifest["Layers"], config["rootfs"]["diff_ids"]):
        member = base.getmember(name)
        archive.addfile(member, base.extractfile(member))
        yield name, diff_id.removeprefix("sha256:"), [name]


def add_bytes(archive, name, content, conf):
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), conf["mtime"]
    archive.addfile(info, io.BytesIO(content))


def merged_config(base_config, config):
    variables = base_config.get("Env", []) + config.get("Env", [])
    by_name = {variable.split("=", 1)[0]: variable for variable in variables}
    return {**config, "Env": list(by_name.values())} if by_name else config


def moment(text):
    return datetime.now(timezone.utc) if text == "now" else datetime.fromisoformat(text)


def main(conf_file):
    conf = json.loads(Path(conf_file).read_text())
    created = moment(conf["created"]).isoformat()
    conf["mtime"] = int(moment(conf["mtime"]).timestamp())
    conf["uid"], conf["gid"] = int(conf["uid"]), int(conf["gid"])
    layers, config = [], conf["config"]
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        if conf["from_image"]:
            with tarfile.open(conf["from_image"]) as base:
                manifest = json.load(base.extractfile("manifest.json"))[0]
                base_image = json.load(base.extractfile(manifest["Config"]))
                layers += add_base_layers(archive, base, manifest, base_image)
            config = merged_config(base_image["config"], config)
        layers += [add_store_layer(archive, paths, conf) for paths in conf["store_layers"]]
        layers.append(add_customisation_layer(archive, conf["customisation_layer"], conf))
        image = {
            "created": created,
            "architecture": conf["architecture"],
            "os": "linux",
            "config": config,
            "rootfs": {
                "diff_ids": ["sha256:" + checksum for _, checksum, _ in layers],
                "type": "layers",
            },
            "history": [
                {"created": created, "comment": f"store paths: {paths}"}
                for _, _, paths in layers
            ],
        }
        image_bytes = json.dumps(image, indent=4).encode()
        image_name = hashlib.sha256(image_bytes).hexdigest() + ".json"
        add_bytes(archive, image_name, image_bytes, conf)
        manifest = {
            "Config": image_name,
            "RepoTags": [conf["repo_tag"]],
            "Layers": [name for name, _, _ in layers],
        }
        add_bytes(archive, "manifest.json", json.dumps([manifest], indent=4).encode(), conf)


if __name__ == "__main__":
    if sys.argv[1] == "--paths":
        owner = {"mtime": 1, "uid": 0, "gid": 0, "uname": "root", "gname": "root"}
        write_layer(sys.stdout.buffer, sys.argv[2:], owner)
    else:
        main(sys.argv[1])
