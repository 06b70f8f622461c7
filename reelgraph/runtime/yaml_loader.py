"""A params file as plain values: no key twice, no anchors, no tags, not too big, not too deep."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reelgraph.runtime.errors import ParamError

MAX_BYTES = 1_000_000
DEEPEST = 20
"""Levels that a file may have; where there are hundreds, ruamel itself gives up."""

PLAIN = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq"))


def read_yaml(path: Path) -> dict[str, object]:
    """Read a params file.

    Raises:
        ParamError: it is missing, above 1 MB, no YAML 1.2 mapping of text keys, too deep, repeats a key, or
            has anchors, aliases or tags; names all such keys by path and line.
    """
    remedy = f"Restore it with `git checkout {path}`."
    if not path.is_file():
        raise ParamError(str(path), "a params file in the working directory", "none", remedy)
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ParamError(str(path), f"at most {MAX_BYTES:,} bytes", f"{size:,}", remedy)
    try:
        text = path.read_bytes().decode()
        tree = YAML(typ="safe", pure=True).compose(text)
        values = None if (found := _breaches(tree)) else YAML(typ="safe", pure=True).load(text)
    except Exception as error:  # ruamel lets many kinds escape, from ValueError to AttributeError
        problem = " ".join(str(error).split()) or type(error).__name__
        raise ParamError(str(path), "YAML 1.2, each key once", problem, remedy) from None
    if found:
        raise ParamError(str(path), "plain values under keys of text, each once", "; ".join(found),
                         "Write each value out, once.")  # fmt: skip
    if not isinstance(values, dict):
        raise ParamError(str(path), "a mapping of sections", type(values).__name__, remedy)
    return values


def _breaches(node: Node | None, key: str = "", depth: int = 0, key_line: int = 1) -> list[str]:
    """Tell what a node and those below it have that a params file may not."""
    if node is None:
        return []
    where = f"{key or 'the file'} (line {node.start_mark.line + 1})"
    if depth > DEEPEST:
        return [f"{where} deeper than {DEEPEST} levels"]
    if node.anchor:  # not followed: what aliases name may be without end; an alias is its anchor's node
        return [f"{key or 'the file'} (line {key_line}) has an anchor or an alias"]
    found = [] if node.tag in PLAIN else [f"{where} has the tag {node.tag}"]
    if isinstance(node, MappingNode):
        return found + _of_mapping(node, key, depth)
    if isinstance(node, SequenceNode):
        return found + [each for i, item in enumerate(node.value)
                        for each in _breaches(item, f"{key}.{i}", depth + 1, key_line)]  # fmt: skip
    return found


def _of_mapping(node: MappingNode, key: str, depth: int) -> list[str]:
    found, seen = [], set()
    for name, value in node.value:
        line = name.start_mark.line + 1
        if not isinstance(name, ScalarNode) or name.tag != PLAIN[0]:
            found.append(f"a key at line {line} is no text")
            continue
        path = f"{key}.{name.value}" if key else name.value
        if name.value in seen:
            found.append(f"{path} once more at line {line}")
        seen.add(name.value)
        found += _breaches(value, path, depth + 1, line)
    return found
