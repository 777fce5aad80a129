"""Formulas of the documentation: LaTeX becomes MathML when the site is built.

An extension of Python-Markdown. `$…$` is a formula within a line, and a paragraph that begins and
ends with `$$` one by itself, as on GitHub. MathML is drawn by the browser: the site needs neither a
script nor a font for it, and asks no other server.
"""

import xml.etree.ElementTree as etree
from re import Match
from typing import Any

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from math_core import LatexToMathML  # pyright: ignore[reportMissingImports] - the extra `docs`

INLINE = r"(?<![\\$\w])\$(?![\s$])([^$\n]+?)(?<!\s)\$(?![\w$])"
AFTER_CODE = 185  # code in backticks is at 190


class Formula(InlineProcessor):
    """A formula within a line."""

    def handleMatch(self, m: Match[str], data: str) -> tuple[str, int, int]:
        """Return a formula's place, and where it stood."""
        return self.md.htmlStash.store(mathml(m[1], False)), m.start(0), m.end(0)


class Display(BlockProcessor):
    """A paragraph that is a formula."""

    def test(self, parent: etree.Element, block: str) -> bool:
        """Tell whether a paragraph is one."""
        text = block.strip()
        return len(text) > 4 and text.startswith("$$") and text.endswith("$$")

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        """Put the formula in the paragraph's place."""
        drawn = mathml(blocks.pop(0).strip()[2:-2].strip(), True)
        place = etree.SubElement(parent, "p")
        place.text = self.parser.md.htmlStash.store(f'<div class="formula">{drawn}</div>')


class MathML(Extension):
    """Both of them."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Add them to a parser."""
        md.inlinePatterns.register(Formula(INLINE, md), "formula", AFTER_CODE)
        md.parser.blockprocessors.register(Display(md.parser), "display", 175)


def mathml(latex: str, alone: bool) -> str:
    """Return the MathML of a formula; raises math_core.LatexError if it is none."""
    return LatexToMathML().convert_with_local_state(latex, displaystyle=alone)


def makeExtension(**_: Any) -> Extension:
    """Return the extension, by the name that Python-Markdown looks for."""
    return MathML()
