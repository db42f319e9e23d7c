"""Pieces of the page that several of its parts are made of."""

from html import escape

from keras_parity.report.wording import visible


def text(value: object) -> str:
    """Return text as HTML in which nothing is markup."""
    return escape(visible(value))


def render_table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table whose first column names the rows; on a phone each row becomes a list."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in heads)
    body = "".join(f'<tr><th scope="row">{text(row[0])}</th>{_render_cells(heads, row)}</tr>\n' for row in rows)
    table = f'<table class="numbers"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>\n'


def _render_cells(heads: list[str], row: list[str]) -> str:
    cells = zip(heads[1:], row[1:], strict=True)
    return "".join(f'<td data-label="{text(head)}">{text(cell)}</td>' for head, cell in cells)
