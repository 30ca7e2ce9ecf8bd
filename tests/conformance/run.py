"""Runs torch's samples against ours and prints what differs.

python tests/conformance/run.py nn.functional.conv1d --dtype float64
python tests/conformance/run.py 'nn.functional.*pool.*' --show passed refused
"""

import argparse
import functools
import itertools
import re
from collections import Counter, defaultdict

import compare
import names
import samples as S
import torch

# Samples of the function itself in a quick run: the rarer arguments come further on.
SOME = {number**2 for number in range(8)}


def results(label, dtypes=None, limit=None, only=None, quick=False):
    """Yields (form, dtype, arguments, verdict) for the samples of an operator.

    limit: only the first samples of each kind. only: names of forms; "errors" is one.
    quick: a few samples of each kind.
    """
    operation = S.OPERATIONS[label]
    wanted = [d for d in S.dtypes_of(operation) if dtypes is None or d in dtypes]
    for form, function, theirs in names.forms(operation):
        if only is not None and form not in only:
            continue
        if function is None:
            yield form, "", "", compare.Verdict("missing", f"no {form} form")
            continue
        for position, dtype in enumerate(wanted):
            torch.manual_seed(0)
            if quick and form != "function" and position > 0:
                continue
            few = SOME if form == "function" and position == 0 else {0}
            drawn = S.good_samples(operation, dtype)
            for index, sample in enumerate(
                itertools.islice(drawn, max(few) + 1 if quick else limit)
            ):
                if quick and index not in few:
                    continue
                if form == "in-place" and sample.broadcasts_input:
                    verdict = compare.verdict_of_bad(function, theirs, sample)
                else:
                    seed = names.seed_of(label, index)
                    random = names.is_random(label) or names.is_random_sample(sample)
                    verdict = compare.verdict_of_good(
                        function,
                        theirs,
                        sample,
                        dtype,
                        seed,
                        functools.partial(names.check_random, operation.name) if random else None,
                        names.has_gauge(operation),
                        names.LOOSE.get(label, 1),
                    )
                yield form, dtype, described(sample), verdict
    function = names.ours(operation)
    unbound = label.startswith("__")  # torch's errors call them with a number for self
    if function is not None and not unbound and (only is None or "errors" in only):
        for sample in itertools.islice(S.bad_samples(operation), 2 if quick else limit):
            verdict = compare.verdict_of_bad(function, operation.op, sample)
            yield "errors", "", described(sample), verdict


def described(sample):
    args, kwargs = S.arguments(sample)
    text = ", ".join([*(S.describe(each) for each in args), S.describe(kwargs)])
    return text.removesuffix(", ")


def chosen(patterns):
    """The labels of the operations that fit one of the patterns, or have one as their name."""
    return [
        label
        for label in S.OPERATIONS
        if any(re.fullmatch(p, label) or label.split(" ")[0] == p for p in patterns)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", default=[".*"], help="names or patterns of them")
    parser.add_argument("--dtype", action="append", help="float64, float32 (default: both)")
    parser.add_argument("--form", action="append", help="function, method, in-place, out=, errors")
    parser.add_argument("--limit", type=int, help="only the first samples of each operator")
    parser.add_argument(
        "--show",
        nargs="*",
        default=["wrong", "crash", "accepted", "refused", "unsupported", "missing"],
        help="verdicts to print (and passed, skipped)",
    )
    parser.add_argument("--brief", action="store_true", help="print equal messages once")
    options = parser.parse_args()

    for label in chosen(options.patterns):
        tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
        told = set()
        for form, dtype, text, verdict in results(
            label, options.dtype, options.limit, options.form
        ):
            tally[form][verdict.kind] += 1
            said = (form, verdict)
            if verdict.kind in options.show and not (options.brief and said in told):
                told.add(said)
                print(
                    f"{verdict.kind:12}{label} {form} {dtype}: {text}\n            {verdict.text}"
                )
        print(label, {form: dict(counts) for form, counts in tally.items()})


if __name__ == "__main__":
    main()
