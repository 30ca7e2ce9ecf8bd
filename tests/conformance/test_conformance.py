"""torch's own samples: no wrong value, gradient or crash, and the table in docs/ tells the truth.

The ordinary run takes a few samples of each operation. CONFORMANCE=full takes all of
them and compares every row of docs/conformance.md.
"""

import os

import pytest
import table

FULL = os.environ.get("CONFORMANCE") == "full"
ROWS, ABSENT = table.read()


@pytest.fixture(scope="module")
def harness():
    pytest.importorskip("torch")
    import run

    return run


@pytest.mark.parametrize("label", list(ROWS))
def test_samples(harness, label):
    results = list(harness.results(label, quick=not FULL))
    failures = [
        f"{verdict.kind} {form} {dtype}: {arguments}\n    {verdict.text}"
        for form, dtype, arguments, verdict in results
        if verdict.is_failure
    ]
    assert not failures, "\n".join(failures)
    if FULL:
        assert table.row_of(label, results) == ROWS[label], "run tests/conformance/table.py"
    # Even the few samples must not show anything that the table leaves out.
    unlisted = [
        verdict
        for form, _, _, verdict in results
        if verdict.kind not in ("passed", "skipped")
        and table.plain(verdict.text) not in ROWS[label][-1]
    ]
    assert not unlisted, "run tests/conformance/table.py"


def test_table_lists_every_operator(harness):
    import names
    import samples

    known = samples.OPERATIONS
    here = {label for label, operation in known.items() if names.ours(operation) is not None}
    assert here == set(ROWS) and set(known) - here == set(ABSENT), "run tests/conformance/table.py"


def test_table_is_as_the_script_writes_it():
    assert table.render(ROWS, ABSENT, table.compared()) == table.PATH.read_text()
