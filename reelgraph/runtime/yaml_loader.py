"""Reading params files: plain YAML 1.2 without repeated keys, anchors or tags, limited in size and depth."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reelgraph.runtime.errors import ParamError

MAX_BYTES = 1_000_000

MAX_DEPTH = 20
"""Maximum depth of nesting; with hundreds of levels, ruamel.yaml itself fails."""

STRING_TAG = "tag:yaml.org,2002:str"
ALLOWED_TAGS = (
    STRING_TAG,
    *(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null", "map", "seq")),
)


def read_yaml(path: Path) -> dict[str, object]:
    """Read a params file.

    Raises:
        ParamError: the file is missing, larger than 1 MB, not a YAML 1.2 mapping of text keys, too deep,
            repeats a key, or has anchors, aliases or tags; lists all such keys with their lines.
    """
    if not path.is_file():
        raise ParamError(str(path), "a params file in the working directory", "none",
                         "Run this in the project's folder, or copy the file from a commit.")  # fmt: skip
    remedy = f"Correct it: `git diff {path}` shows what was changed."
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ParamError(str(path), f"at most {MAX_BYTES:,} bytes", f"{size:,}", remedy)
    try:
        text = path.read_bytes().decode()
        yaml = YAML(typ="safe", pure=True)
        node = yaml.compose(text)
        violations = _violations(node)
        values = None if violations or node is None else yaml.constructor.construct_document(node)
    except Exception as error:  # ruamel.yaml raises many types, from ValueError to AttributeError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ParamError(str(path), "YAML 1.2, each key once", reason, remedy) from None
    if violations:
        raise ParamError(str(path), "plain values under keys of text, each once", "; ".join(violations),
                         "Write each value out, once.")  # fmt: skip
    if not isinstance(values, dict):
        raise ParamError(str(path), "a mapping of sections", type(values).__name__, remedy)
    return values


def _violations(node: Node | None, key: str = "", depth: int = 0, key_line: int = 1) -> list[str]:
    """Return what is not allowed in a node and all nodes below it."""
    if node is None:
        return []
    name = key or "the file"
    location = f"{name} (line {node.start_mark.line + 1})"
    if depth > MAX_DEPTH:
        return [f"{location} deeper than {MAX_DEPTH} levels"]
    if node.anchor:  # an alias has its anchor's node; not followed, since aliases can be nested without end
        return [f"{name} (line {key_line}) has an anchor or an alias"]
    violations = [] if node.tag in ALLOWED_TAGS else [f"{location} has the tag {node.tag}"]
    if isinstance(node, MappingNode):
        violations += _mapping_violations(node, key, depth)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            violations += _violations(item, f"{key}.{index}", depth + 1, key_line)
    return violations


def _mapping_violations(node: MappingNode, key: str, depth: int) -> list[str]:
    violations = []
    names = set()
    for name, value in node.value:
        line = name.start_mark.line + 1
        if not isinstance(name, ScalarNode) or name.tag != STRING_TAG:
            violations.append(f"a key at line {line} is not text")
            continue
        path = f"{key}.{name.value}" if key else name.value
        if name.value in names:
            violations.append(f"{path} once more at line {line}")
        names.add(name.value)
        violations += _violations(value, path, depth + 1, line)
    return violations
