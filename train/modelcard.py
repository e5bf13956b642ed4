"""The attributions of the recordings a model was trained on, as Markdown.

    python modelcard.py > attributions.md

Reads the training pools' index (the manifest's rows), so it lists exactly what could be drawn.
"""

from __future__ import annotations

from collections import defaultdict

from corpus import open_pool


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def grouped(rows: list[dict]) -> dict[tuple[str, str, str], list[str]]:
    """(source, artist, licence) to titles."""
    groups = defaultdict(list)
    for r in rows:
        groups[r["source_repo"], r["artist"], r["licence"]].append(r["title"])
    return dict(sorted(groups.items()))


def table(rows: list[dict], titles: bool) -> str:
    lines = ["| source | artist | licence | " + ("titles |" if titles else "recordings |"), "|---|---|---|---|"]
    for (source, artist, licence), names in grouped(rows).items():
        last = "; ".join(cell(n) for n in names) if titles else str(len(names))
        lines.append(f"| {source} | {cell(artist)} | {cell(licence)} | {last} |")
    return "\n".join(lines)


def main() -> None:
    for kind in ("music", "effects", "speech"):
        rows = open_pool(kind, "train").rows
        hours = sum(r["samples"] for r in rows) / 16000 / 3600
        print(f"### {kind.capitalize()}: {len(rows)} recordings, {hours:.2f} h\n")
        print(table(rows, titles=kind != "speech") + "\n")


if __name__ == "__main__":
    main()
