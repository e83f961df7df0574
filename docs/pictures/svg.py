#!/usr/bin/env python3
"""Makes a picture (SVG) of a terminal from what `tmux capture-pane -e -p` prints.

    svg.py TITLE <captured >picture.svg
"""

import html
import re
import sys
import unicodedata

CELL, LINE, SIZE, EDGE, BAR = 8.4, 19, 14, 16, 34
BACK, FORE = "#1e1e2e", "#cdd6f4"
COLOURS = ["#585b70", "#f38ba8", "#a6e3a1", "#f9e2af", "#89b4fa", "#f5c2e7", "#94e2d5", "#bac2de"]


def runs(line):
    """The parts of a line that look the same: (text, style)."""
    style = {}
    for escape, text in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b]+)", line):
        if text:
            yield text, dict(style)
            continue
        for code in (int(code or 0) for code in escape.split(";")):
            if code == 0:
                style = {}
            elif code == 1:
                style["bold"] = True
            elif code == 2:
                style["faint"] = True
            elif code in (22, 39):
                style.pop("bold" if code == 22 else "colour", None)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                style["colour"] = COLOURS[code % 10]


def width(text):
    """Cells that a text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def main():
    title = sys.argv[1]
    lines = sys.stdin.read().rstrip("\n").split("\n")
    lines = [line.rstrip() for line in lines]
    wide = max(width(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    across = max(wide, 60) * CELL + 2 * EDGE
    down = BAR + len(lines) * LINE + EDGE
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:.0f}" height="{down:.0f}" '
        f'viewBox="0 0 {across:.0f} {down:.0f}" role="img" aria-label="{html.escape(title)}">'
    )
    print(f"<title>{html.escape(title)}</title>")
    print(f'<rect width="100%" height="100%" rx="8" fill="{BACK}"/>')
    for at, colour in enumerate(["#f38ba8", "#f9e2af", "#a6e3a1"]):
        print(f'<circle cx="{18 + 18 * at}" cy="17" r="5.5" fill="{colour}"/>')
    print(
        f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" '
        f'font-size="{SIZE}" fill="{FORE}" xml:space="preserve">'
    )
    for number, line in enumerate(lines):
        column, y = 0, BAR + (number + 0.75) * LINE
        for text, style in runs(line):
            shown = text.replace("\ufe0e", "")
            if shown.strip():
                extra = ' font-weight="bold"' if style.get("bold") else ""
                extra += ' opacity=".65"' if style.get("faint") else ""
                extra += f' fill="{style["colour"]}"' if "colour" in style else ""
                x, long = EDGE + column * CELL, width(shown) * CELL
                print(
                    f'<text x="{x:.1f}" y="{y:.1f}" textLength="{long:.1f}" '
                    f'lengthAdjust="spacingAndGlyphs"{extra}>{html.escape(shown)}</text>'
                )
            column += width(shown)
    print("</g>\n</svg>")


if __name__ == "__main__":
    main()
