"""The table that is printed."""

from collections.abc import Sequence

from bench.measure import Step

HEAD = ("step", "size", "ours s", "limit s", "ratio", "peak MB", "limit is", "usual alternative")


def line_of(step: Step) -> tuple[str, ...]:
    if step.usual is None:
        usual = ""
    else:
        scaled = "" if step.usual.share == 1 else f", from {step.usual.share:.1%}"
        usual = f"{step.usual.name}: {step.usual.seconds / step.ours.seconds:.1f} x ours{scaled}"
    return (
        step.name,
        step.size,
        f"{step.ours.seconds:.2f}",
        f"{step.limit.seconds:.2f}",
        f"{step.ratio:.1f}",
        f"{step.ours.peak_mb:.0f}",
        step.limit_name,
        usual,
    )


def as_markdown(steps: Sequence[Step]) -> str:
    """A Markdown table, its columns aligned."""
    return markdown(HEAD, [line_of(step) for step in steps])


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table of any lines, its columns aligned."""
    rows = [head, *lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    drawn = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([drawn[0], rule, *drawn[1:]])
