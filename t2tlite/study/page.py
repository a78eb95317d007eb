"""A report as a single HTML file that needs no other."""

import html
from collections.abc import Sequence

from t2tlite.study import verdicts
from t2tlite.study.grids import Grid
from t2tlite.study.section import Section

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1080px; margin: 2em auto; }
h1 { font-size: 1.7em; } h2 { margin-top: 2em; border-bottom: 1px solid #ccc; } h3 { margin-bottom: .3em; }
table { border-collapse: collapse; font-size: .9em; } div.wide { overflow-x: auto; }
th, td { padding: .3em .8em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
td + td { font-variant-numeric: tabular-nums; } th { border-bottom: 2px solid #888; }
figure { margin: 1.2em 0; } figure svg { max-width: 100%; height: auto; }
figcaption, p.note { color: #666; font-size: .85em; }
pre { background: #f5f5f5; padding: .8em; overflow-x: auto; font-size: .8em; line-height: 1.6; }
.held { color: #17692b; font-weight: 600; } .not-held { color: #a02020; font-weight: 600; }
.undecided { color: #8a6100; font-weight: 600; }
"""


def document(title: str, sections: Sequence[Section]) -> str:
    """The page, with style and pictures in it."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(text)}</p>" for text in section.text]
        for grid in section.grids:
            parts.append(_table(grid))
        parts += [_picture(*picture) for picture in section.pictures]
        if section.items:
            parts.append(f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in section.items)}</ul>")
        if section.code:
            lines = "\n".join(section.code)
            parts.append(f"<details><summary>show</summary><pre>{html.escape(lines)}</pre></details>")
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _table(grid: Grid) -> str:
    heads = "".join(f"<th>{html.escape(heading)}</th>" for heading in grid.headings)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in grid.rows)
    note = f'<p class="note">{html.escape(grid.note)}</p>' if grid.note else ""
    table = f'<div class="wide"><table><tr>{heads}</tr>{rows}</table></div>'
    return f"<h3>{html.escape(grid.title)}</h3>{table}{note}"


def _cell(text: str) -> str:
    if text in (verdicts.HELD, verdicts.NOT_HELD, verdicts.UNDECIDED):
        return f'<td class="{text.replace(" ", "-")}">{text}</td>'
    return f"<td>{html.escape(text)}</td>"


def _picture(caption: str, svg: str) -> str:
    return f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"
