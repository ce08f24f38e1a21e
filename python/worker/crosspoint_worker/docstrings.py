"""Descriptions from docstrings: `:param x:` lines, and Google's `Args:` sections."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Dict, List, Optional, Tuple

_FIELD = re.compile(r":(?P<field>\w+)(?:\s+(?P<argument>[^:]+))?:\s*(?P<text>.*)")
_TITLE = re.compile(r"(?P<title>[A-Z][A-Za-z ]*):\s*$")
_ENTRY = re.compile(r"\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?\s*:\s*(?P<text>.*)")

_PARAMETER_FIELDS = {"param", "parameter", "arg", "argument", "key", "keyword"}
_PARAMETER_TITLES = {"args", "arguments", "parameters", "params", "keyword args", "keyword arguments", "attributes"}
_OTHER_TITLES = {"returns", "return", "raises", "yields", "example", "examples", "note", "notes", "see also"}


def parse(text: Optional[str]) -> Tuple[str, Dict[str, str]]:
    """A docstring's own words, and what it says about each parameter."""
    reader = _Reader()
    for line in inspect.cleandoc(text).splitlines() if text else []:
        reader.line(line)
    about = {name: " ".join(part for part in parts if part) for name, parts in reader.about.items()}
    return "\n".join(reader.words).strip(), {name: words for name, words in about.items() if words}


class _Reader:
    """Takes a docstring line by line."""

    def __init__(self) -> None:
        self.words: List[str] = []
        self.about: Dict[str, List[str]] = {}
        # What continuation lines belong to: words, an entry, or (None) something that is left out.
        self._into: Optional[List[str]] = self.words
        self._in_parameters = False
        self._entry_depth = 0

    def line(self, line: str) -> None:
        field, title = _FIELD.match(line), _TITLE.match(line)
        name = title["title"].lower() if title else ""
        if field:
            self._field(field)
        elif name in _PARAMETER_TITLES or name in _OTHER_TITLES:
            self._in_parameters = name in _PARAMETER_TITLES
            self._into, self._entry_depth = None, sys.maxsize
        elif line and not line[0].isspace():
            # Back at the margin: a section is over.
            self._in_parameters, self._into = False, self.words
            self.words.append(line)
        elif self._in_parameters:
            self._parameter(line)
        elif self._into is self.words:
            self.words.append(line)
        elif self._into is not None:
            self._into.append(line.strip())

    def _field(self, field: "re.Match[str]") -> None:
        """`:param type name: text`; other fields are not about parameters."""
        self._in_parameters, self._into = False, None
        if field["field"] in _PARAMETER_FIELDS and field["argument"]:
            self._begin(field["argument"].split()[-1].lstrip("*"), field["text"])

    def _parameter(self, line: str) -> None:
        """`    name (type): text` in a section, or its continuation, which stands deeper."""
        depth = len(line) - len(line.lstrip())
        entry = _ENTRY.match(line.strip())
        if entry and depth <= self._entry_depth:
            self._entry_depth = depth
            self._begin(entry["name"], entry["text"])
        elif self._into is not None:
            self._into.append(line.strip())

    def _begin(self, name: str, text: str) -> None:
        self._into = self.about[name] = [text.strip()]
