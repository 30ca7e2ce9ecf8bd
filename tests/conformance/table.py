"""The table docs/conformance.md: made of the results of a full run, and read back from the file.

python tests/conformance/table.py                        # every row: takes some minutes
python tests/conformance/table.py 'nn.functional.conv.*'  # these rows only, the others stay
"""

import argparse
import datetime
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

PATH = Path(__file__).parents[2] / "docs" / "conformance.md"
FORMS = ("method", "in-place", "out=")
HEADER = ["operation", "samples", "errors", "other forms", "not supported, and why"]

INTRODUCTION = """\
# Conformance with torch

Made by `python tests/conformance/table.py`; do not edit by hand. torch keeps sample arguments for
each of its operators, for its own tests (`op_db`); here they run against ours, in float64 and
float32 (int64 and bool for operations without floating types).

- *samples*: how many of torch's samples give the same result (values, dtype, shape), the same
  gradients for random cotangents and, in float64, the same second gradients. Random operations
  (dropout, rand, ...) are compared by their properties.
- *errors*: how many of the calls that torch refuses are refused here too.
- *other forms*: as a method, in place, and with `out=`, where torch has them and all samples pass.
- the last column lists every sample and every form that is not supported. Samples that no tensor
  of ours can hold (complex, bfloat16, sparse, quantised) are out of scope and not counted.
"""


def row_of(label, results):
    """The cells of a row from the (form, dtype, arguments, verdict) of an operation."""
    counts = defaultdict(Counter)
    reasons = Counter()
    for form, _, _, verdict in results:
        counts[form][verdict.kind] += 1
        if verdict.kind not in ("passed", "skipped"):
            where = "" if form in ("function", "errors") else f"{form}: "
            bad = f"**{verdict.kind}** " if verdict.is_failure else ""
            reasons[where + bad + plain(verdict.text)] += 1
    forms = [f for f in FORMS if counts[f]["passed"] and _passed(counts[f]) == _counted(counts[f])]
    why = [text if count == 1 else f"{text} ({count} samples)" for text, count in reasons.items()]
    return [
        label,
        _fraction(counts["function"]),
        _fraction(counts["errors"]),
        ", ".join(forms),
        "; ".join(why),
    ]


def plain(text):
    """A message on one line of a table, without the numbers of the single sample."""
    text = re.sub(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", "N", text)
    return text.replace("|", "/").replace("\n", " ")[:110]


def _passed(counts):
    return counts["passed"]


def _counted(counts):
    return sum(counts.values()) - counts["skipped"]


def _fraction(counts):
    counted = _counted(counts)
    return f"{_passed(counts)} of {counted}" if counted else ""


def read(path=PATH):
    """{label: cells} of the operations that are there, {label: reason} of the others."""
    rows, absent = {}, {}
    for line in path.read_text().splitlines() if path.exists() else []:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or cells[0] in (HEADER[0], "why", "---"):
            continue
        if len(cells) == len(HEADER):
            rows[cells[0].strip("`")] = [cells[0].strip("`"), *cells[1:]]
        elif len(cells) == 2:
            absent.update((label.strip(" `"), cells[0]) for label in cells[1].split(","))
    return rows, absent


def compared(path=PATH):
    """What the file says of torch's version, and of the day and commit of the last full run."""
    found = re.search(r"^Compared with (.*)\.$", path.read_text(), re.MULTILINE)
    return found[1]


def compared_now(version):
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PATH.parent, capture_output=True, text=True
    ).stdout.strip()
    return f"torch {version}; all rows were last run on {datetime.date.today()}, at commit {commit}"


def render(rows, absent, compared_with):
    """The text of the file."""
    sections = {
        "Layers and losses (nn.functional)": [r for r in rows.values() if r[0].startswith("nn.")],
        "Tensor operations": [r for r in rows.values() if not r[0].startswith("nn.")],
    }
    lines = [INTRODUCTION, f"Compared with {compared_with}.", "", *_summary(sections, absent)]
    for title, members in sections.items():
        lines += ["", f"## {title}", "", _line(HEADER), _line(["---"] * len(HEADER))]
        lines += [_line([f"`{cells[0]}`", *cells[1:]]) for cells in sorted(members)]
    lines += ["", "## Operators of torch that are not here", "", _line(["why", "operators"])]
    lines.append(_line(["---", "---"]))
    by_reason = defaultdict(list)
    for label, reason in sorted(absent.items()):
        by_reason[reason].append(f"`{label}`")
    lines += [_line([reason, ", ".join(labels)]) for reason, labels in sorted(by_reason.items())]
    return "\n".join(lines) + "\n"


def _summary(sections, absent):
    for title, members in sections.items():
        numbers = [[int(n) for n in cells[1].split(" of ")] for cells in members if cells[1]]
        passed, total = (sum(column) for column in zip(*numbers)) if numbers else (0, 0)
        yield f"- {title}: {len(members)} operations, {passed} of {total} samples pass."
    yield f"- Not here: {len(absent)} operators."


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def write(patterns):
    """Runs the operations that fit the patterns and writes their rows."""
    import names
    import run
    import samples
    import torch

    rows, absent = read()
    known = samples.OPERATIONS
    for label in run.chosen(patterns):
        if names.ours(known[label]) is None:
            rows.pop(label, None)
            absent[label] = names.reason_for(known[label].name)
        else:
            absent.pop(label, None)
            rows[label] = row_of(label, run.results(label))
    rows = {label: cells for label, cells in rows.items() if label in known}
    absent = {label: reason for label, reason in absent.items() if label in known}
    version = torch.__version__.split("+")[0]
    full = set(run.chosen(patterns)) == set(known)
    PATH.write_text(render(rows, absent, compared_now(version) if full else compared()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", default=[".*"], help="names or patterns of them")
    write(parser.parse_args().patterns)
