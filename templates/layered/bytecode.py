"""Compiles the modules of trees into OUT, as folders __pycache__ alone: bytecode.py PLACE OUT TREE…

The modules are compiled as if they stood at PLACE, where the trees are merged. Of one path in two
trees the first counts. What Python cannot compile is left out: some packages bring files for others.
"""

import importlib.util
import os
import py_compile
import sys

# Of modules that were compiled before in the same process, some bytes depend. So files go to this many
# processes in a fixed order, whatever the number of cores.
PROCESSES = 4


def modules(trees):
    """Path in the tree → file, for each module of the trees."""
    found = {}
    for tree in trees:
        for folder, _, names in os.walk(tree):
            for name in names:
                if name.endswith(".py"):
                    file = os.path.join(folder, name)
                    found.setdefault(os.path.relpath(file, tree), file)
    return sorted(found.items())


def compile_all(files, place, out):
    for path, file in files:
        target = os.path.join(out, importlib.util.cache_from_source(path))
        try:
            py_compile.compile(
                file,
                cfile=target,
                dfile=os.path.join(place, path),
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, ValueError):
            pass


def main(place, out, *trees):
    os.mkdir(out)
    files = modules(trees)
    children = []
    for first in range(PROCESSES):
        child = os.fork()
        if child == 0:
            compile_all(files[first::PROCESSES], place, out)
            os._exit(0)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    if failed:
        sys.exit("Compiling ended early: " + out)


main(*sys.argv[1:])
