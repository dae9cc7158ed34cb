"""Run in the image: imports, CPU, libraries. Prints one line "what<TAB>result" each."""

import ctypes
import os
import re
import sys


def say(what, result):
    print(f"{what}\t{result}", flush=True)


# Plug-ins for what the image does not hold: MPI with OpenSHMEM, PMIx, UCX, libfabric, InfiniBand.
plugins = re.compile(r"rdma|_(mpi|shmem|pmi2?|pmix|ucx|libfabric|ibrc|ibdevx|ibgda)\.so")


def import_all():
    import cuda.bindings
    import torch
    import torchaudio
    import torchvision
    import triton

    ptxas = os.path.join(os.path.dirname(triton.__file__), "backends/nvidia/bin/ptxas")
    modules = [torch, torchvision, torchaudio, triton]
    versions = [f"{m.__name__} {m.__version__}" for m in modules]
    say("imported", ", ".join(versions + [f"cuda.bindings {cuda.bindings.__version__}"]))
    say("Triton's ptxas", "found" if os.access(ptxas, os.X_OK) else "missing")

    a = torch.arange(4096, dtype=torch.float64).reshape(64, 64)
    trace = (a @ torch.eye(64, dtype=torch.float64)).trace().item()
    say("a matrix product on the CPU", "right" if trace == a.trace().item() else "wrong")
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
    say("torchvision's own operator", "right" if kept.tolist() == [0, 2] else "wrong")
    say("cuDNN", torch.backends.cudnn.version())

    with open("/proc/self/maps") as maps:
        mapped = {line.split()[-1] for line in maps if "/nvidia/" in line or "-nvidia-" in line}
    say("NVIDIA libraries mapped", len({os.path.basename(name) for name in mapped}))


def libraries():
    folders = [
        top
        for top, _, names in os.walk("/opt/python/pytorch/nvidia", followlinks=True)
        if any(".so" in name for name in names)
    ]
    for folder in sorted(folders):
        for name in sorted(os.listdir(folder)):
            if re.search(r"\.so(\.\d+)*$", name):
                yield os.path.join(folder, name)


def open_library(path):
    """Opens it in a process of its own; returns None, or why it cannot be."""
    read, write = os.pipe()
    if os.fork() == 0:
        why = ""
        try:
            ctypes.CDLL(path)
        except OSError as error:
            why = str(error)
        os.write(write, why.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        why = pipe.read().decode()
    os.wait()
    return why or None


def open_all():
    paths = list(libraries())
    wanted = [path for path in paths if not plugins.search(os.path.basename(path))]
    failed = {path: why for path in wanted if (why := open_library(path))}
    say("dlopen with a stub of libcuda", f"{len(wanted) - len(failed)} of {len(wanted)} libraries")
    say("left out as plug-ins", ", ".join(os.path.basename(p) for p in paths if p not in wanted))
    for path, why in failed.items():
        say(f"cannot be opened: {path}", why)


if sys.argv[1] == "import":
    import_all()
else:
    open_all()
