"""The graph of an event's jobs as text for a terminal, as Mermaid, and for Graphviz.

Pure: boxes in, text out. Every job is drawn exactly once. In the terminal it stands below the job
that is expected to be the last of those it waits for; the others are named beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bough.hooks.errors import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One job. `after`: what it waits for, by name; `below` is one of these, or '' at the top.

    `notes` are said beside it; `skipped` is the reason if it does not run; `critical`: the time
    that it takes is time that the whole takes.
    """

    name: str
    after: tuple[str, ...] = ()
    below: str = ""
    notes: tuple[str, ...] = ()
    background: bool = False
    skipped: str = ""
    critical: bool = False


def as_tree(event: str, boxes: Sequence[Box]) -> str:
    """The graph for a terminal."""
    children: dict[str, list[Box]] = {}
    for box in boxes:
        children.setdefault(box.below, []).append(box)
    lines = [shown(event)]
    # A stack and not a recursion: chains of jobs may be long.
    open_: list[tuple[str, Iterator[tuple[bool, Box]]]] = [("", _last_marked(children.get("", [])))]
    while open_:
        indent, rest = open_[-1]
        following = next(rest, None)
        if following is None:
            open_.pop()
            continue
        last, box = following
        lines.append(f"{indent}{'└─' if last else '├─'} {_told(box)}")
        below = _last_marked(children.get(box.name, []))
        open_.append((f"{indent}{'   ' if last else '│  '}", below))
    return "".join(f"{line}\n" for line in lines)


def _last_marked(boxes: Sequence[Box]) -> Iterator[tuple[bool, Box]]:
    return iter([(box is boxes[-1], box) for box in boxes])


def _told(box: Box) -> str:
    others = [shown(name) for name in box.after if name != box.below]
    notes = [*_notes(box), *([f"also after {', '.join(others)}"] if others else [])]
    return f"{shown(box.name)}{' *' if box.critical else ''}" + (
        f"  ({'; '.join(notes)})" if notes else ""
    )


def _notes(box: Box) -> list[str]:
    notes = list(box.notes)
    if box.skipped:
        return [*notes, f"skipped: {shown(box.skipped)}"]
    return [*(["background"] if box.background else []), *notes]


def as_mermaid(event: str, boxes: Sequence[Box]) -> str:
    """The graph as a Mermaid flowchart."""
    ids = _ids(boxes)
    lines = ["---", f"title: {_mermaid_text(event)}", "---", "flowchart TD"]
    for box in boxes:
        label = "<br>".join(map(_mermaid_text, (shown(box.name), *_notes(box))))
        left, right = ("([", "])") if box.background else ("[", "]")
        lines.append(f'    {ids[box.name]}{left}"{label}"{right}{_mermaid_class(box)}')
    for before, after, dashed in _edges(boxes):
        lines.append(f"    {ids[before]} {'-.->' if dashed else '-->'} {ids[after]}")
    lines.append("    classDef skipped stroke-dasharray: 4 4,opacity: 0.6")
    lines.append("    classDef critical stroke-width: 3px")
    return "".join(f"{line}\n" for line in lines)


def _mermaid_class(box: Box) -> str:
    if box.skipped:
        return ":::skipped"
    return ":::critical" if box.critical else ""


def _mermaid_text(text: str) -> str:
    """Any text as a label: letters, digits and a few marks as they are, the rest by number."""
    plain = shown(text)
    return "".join(
        char if char.isalnum() or char in " _-.,:/()" else f"#{ord(char)};" for char in plain
    )


def as_dot(event: str, boxes: Sequence[Box]) -> str:
    """The graph for Graphviz."""
    ids = _ids(boxes)
    lines = [f"digraph {_dot_text(event)} {{", "  node [shape=box];"]
    for box in boxes:
        styles = [
            *(["rounded"] if box.background else []),
            *(["dashed"] if box.skipped else []),
            *(["bold"] if box.critical else []),
        ]
        style = f', style="{",".join(styles)}"' if styles else ""
        label = _dot_text("\n".join((shown(box.name), *_notes(box))))
        lines.append(f"  {ids[box.name]} [label={label}{style}];")
    for before, after, dashed in _edges(boxes):
        lines.append(f"  {ids[before]} -> {ids[after]}{' [style=dashed]' if dashed else ''};")
    lines.append("}")
    return "".join(f"{line}\n" for line in lines)


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _ids(boxes: Sequence[Box]) -> Mapping[str, str]:
    return {box.name: f"job{number}" for number, box in enumerate(boxes, 1)}


def _edges(boxes: Sequence[Box]) -> Iterator[tuple[str, str, bool]]:
    """(before, after, whether one of the two does not run)."""
    skipped = {box.name for box in boxes if box.skipped}
    for box in boxes:
        for name in box.after:
            yield name, box.name, name in skipped or box.name in skipped
