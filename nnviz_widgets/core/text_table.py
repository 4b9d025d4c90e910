"""Tables as aligned text and as HTML that needs no style sheet, in the colours of the page around it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_TABLE = "border-collapse:collapse;font-variant-numeric:tabular-nums"
_CELL = "padding:1px 10px 1px 0;border:0;vertical-align:top;white-space:{space};text-align:{side}"


def as_text(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Return a table whose columns are as wide as their longest cell.

    Args:
        head: Names of the columns.
        rows: Cells, as many each as there are names.
        numbers: Indices of the columns that are aligned at their right.
    """
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_html(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Return the same for a notebook, beneath a title; every text is escaped.

    Args:
        title: A line above the table.
        head: As in `as_text`; empty for a table without names.
        rows: As in `as_text`.
        numbers: As in `as_text`.
    """
    names = f"<thead><tr>{_cells('th', head, numbers)}</tr></thead>" if head else ""
    body = "".join(f"<tr>{_cells('td', row, numbers)}</tr>" for row in rows)
    return f'<div>{escape(title)}<table style="{_TABLE}">{names}<tbody>{body}</tbody></table></div>'


def _cells(tag: str, cells: Sequence[str], numbers: Collection[int]) -> str:
    styles = [
        _CELL.format(space="pre-wrap" if i else "pre", side="right" if i in numbers else "left")
        for i in range(len(cells))
    ]
    return "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for style, cell in zip(styles, cells, strict=True))
