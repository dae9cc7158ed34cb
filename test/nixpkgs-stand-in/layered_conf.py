"""Writes conf.json: layered_conf.py BASE_JSON CUSTOMISATION_LAYER PIPELINE MAX_LAYERS.

Reads the closures that Nix wrote for exportReferencesGraph to ./base and ./layer. Of the layering
pipeline this knows what is used here: "subcomponent_out", "over" and "pipe", with their meaning in
nixpkgs' flattenReferencesGraph.
"""

import json
import os
import sys


def read_graph(file):
    """Blocks of path, deriver, number of references, references."""
    lines = iter(open(file).read().splitlines())
    for path in lines:
        next(lines)
        yield path, [next(lines) for _ in range(int(next(lines)))]


def reachable(graph, start):
    found, pending = set(), [path for path in start if path in graph]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += [reference for reference in graph[path] if reference in graph]
    return found


def part(graph, paths):
    return {path: graph[path] for path in graph if path in paths}


def apply(step, value):
    name, *arguments = step
    if name == "pipe":
        for inner in arguments[0]:
            value = apply(inner, value)
        return value
    if name == "over":
        key, inner = arguments
        return {**value, key: apply(inner, value[key])}
    if name == "subcomponent_out":
        main = reachable(value, arguments[0])
        return {"main": part(value, main), "rest": part(value, set(value) - main)}
    raise SystemExit(f"the stand-in does not know the layering step {name}")


def is_graph(value):
    return all(isinstance(references, list) for references in value.values())


def layers(value):
    """Graphs in nested results, in order; each is a layer."""
    if is_graph(value):
        return [sorted(value)] if value else []
    return [layer for inner in value.values() for layer in layers(inner)]


base_json, customisation, pipeline_file, max_layers = sys.argv[1:]
own = {base_json, customisation}
graph = dict([*read_graph("base"), *read_graph("layer")])
graph = {
    path: [reference for reference in references if reference not in own]
    for path, references in graph.items()
    if path not in own
}
pipeline = json.load(open(pipeline_file))
if pipeline:
    store_layers = layers(apply(["pipe", pipeline], graph))
else:
    paths = sorted(graph)
    alone = int(max_layers) - 2
    store_layers = [[path] for path in paths[:alone]] + [paths[alone:]] * (len(paths) > alone)

conf = {**json.load(open(base_json)), **json.loads(os.environ["rest"])}
for moment in ("created", "mtime"):
    conf[moment] = conf[moment].replace("Z", "+00:00")
print(json.dumps({**conf, "store_layers": store_layers}, indent=2))
