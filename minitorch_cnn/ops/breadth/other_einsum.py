"""Torch's "Other Operations": einsum, products and sums written with a letter for each axis.

    einsum("nc,ck->nk", x, w)   y[n, k] = sum over c of x[n, c] w[c, k]

It is made of operations that have gradients (diagonal, sum, permute, bmm), so it needs none of
its own. Operands are multiplied from left to right, two at a time, each pair by one bmm.
"""

from __future__ import annotations

import math
import string
from typing import Any

from ...tensor import Tensor, shape_text
from ..precision import half_precision
from ..products import MatMul, check_pair
from ..reduce import sum
from ..shape import permute, reshape

__all__ = ["einsum"]

ELLIPSIS = "\u2026"  # stands for "..." while letters are taken apart


def einsum(equation: Any, *operands: Any) -> Tensor:
    """A sum of products, described by a letter for each axis: ``"bij,bjk->bik"``.

    (b, n, m) and (b, m, p) -> (b, n, p), for these letters. Those that are missing on the right of
    "->" are summed over. A letter twice in one operand takes the diagonal. "..." stands for any
    axes, which broadcast. Without "->" the result has the letters that occur once, in alphabetical
    order.

    Instead of letters, a list of numbers (and Ellipsis) may follow each operand, and one more for
    the result: ``einsum(a, [0, 1], b, [1, 2], [0, 2])`` is ``einsum("ab,bc->ac", a, b)``.

    Raises RuntimeError for an equation that does not fit the operands, lengths or dtypes that
    differ, ValueError if there is no operand or a number is no letter's.

    >>> import minitorch_cnn as mt
    >>> a = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> mt.einsum("ij->j", a), mt.einsum("ii", a), mt.einsum("ij,kj->ik", a, a)
    (tensor([4., 6.]), tensor(5.), tensor([[ 5., 11.],
            [11., 25.]]))
    """
    if not isinstance(equation, str):
        equation, operands = _equation_of_lists((equation, *operands))
    if operands and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    if not operands:
        raise ValueError("einsum(): must specify the equation string and at least one operand")
    tensors = list(operands)
    terms, result = _parse(equation, tensors)
    pairs = [_one_axis_a_letter(x, terms[i], i, equation) for i, x in enumerate(tensors)]
    lengths = _lengths(pairs, equation)
    # An axis of length 1 that meets a longer one is the same for all: it can be left out.
    pairs = [_without_broadcast_axes(x, letters, lengths) for x, letters in pairs]

    y, letters = pairs[0]
    for index in range(1, len(pairs)):
        other, other_letters = pairs[index]
        later = result + "".join(pair[1] for pair in pairs[index + 1 :])
        y, letters = _multiply(y, letters, other, other_letters, later)
    summed = [axis for axis, letter in enumerate(letters) if letter not in result]
    y = sum(y, summed) if summed else y
    letters = "".join(letter for letter in letters if letter in result)
    return permute(y, [letters.index(letter) for letter in result])


def _equation_of_lists(args: tuple) -> tuple[str, tuple]:
    """The equation and the operands of the form in which lists of numbers stand for letters."""
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand")
    letters = string.ascii_uppercase + string.ascii_lowercase

    def term(numbers: Any) -> str:
        for each in numbers:
            if each is not Ellipsis and not (isinstance(each, int) and 0 <= each < len(letters)):
                raise ValueError(
                    f"einsum(): subscripts are integers or Ellipsis; {each!r} is not within the "
                    "valid range [0, 52)"
                )
        return "".join("..." if each is Ellipsis else letters[each] for each in numbers)

    operands = args[: len(args) // 2 * 2 : 2]
    left = ",".join(term(each) for each in args[1::2])
    return (f"{left}->{term(args[-1])}" if len(args) % 2 else left), operands


def _parse(equation: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; "..." is turned into letters too."""
    parts = equation.replace("...", ELLIPSIS).replace(" ", "").partition("->")
    terms, arrow, right = parts[0].split(","), parts[1], parts[2]
    if len(terms) != len(tensors):
        few = "fewer" if len(tensors) < len(terms) else "more"
        raise RuntimeError(
            f"einsum(): {few} operands were provided than specified in the equation {equation!r}: "
            f"{len(tensors)} for {len(terms)}"
        )
    for index, term in enumerate(terms):
        _check_letters(term, f"operand {index}", equation)
    _check_letters(right, "output", equation)
    # The axes of "..." are numbered from the last one: characters that are no letters.
    most = max(
        [
            x.ndim - len(term) + 1
            for term, x in zip(terms, tensors, strict=True)
            if ELLIPSIS in term
        ],
        default=0,
    )
    names = "".join(chr(0x2460 + i) for i in range(max(most, 0)))
    full = []
    for index, (term, x) in enumerate(zip(terms, tensors, strict=True)):
        hidden = x.ndim - len(term) + 1 if ELLIPSIS in term else 0
        letters = term.replace(ELLIPSIS, names[len(names) - hidden :] if hidden > 0 else "")
        if len(letters) != x.ndim:
            compared, end = "does not match", " and no ellipsis was given"
            if ELLIPSIS in term:
                compared, end = "is more than", ""
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(letters)}) {compared} "
                f"the number of dimensions ({x.ndim}) for operand {index}{end}: {equation!r}, "
                f"shape {shape_text(x.shape)}"
            )
        full.append(letters)
    every = "".join(full)
    if not arrow:
        once = sorted(letter for letter in set(every) - set(names) if every.count(letter) == 1)
        right = ELLIPSIS + "".join(once)
    result = right.replace(ELLIPSIS, names)
    for letter in result:
        if letter not in every:
            why = "does not appear in the equation for any input operand"
        elif result.count(letter) > 1:
            why = "appears more than once in the output"
        else:
            continue
        raise RuntimeError(f"einsum(): output subscript {letter} {why}: {equation!r}")
    return full, result


def _check_letters(term: str, what: str, equation: str) -> None:
    """Raises RuntimeError for anything in a term but letters and one ellipsis."""
    for at, letter in enumerate(term):
        if letter in (ELLIPSIS, ".") and ELLIPSIS in term[:at]:
            link = "but an ellipsis (...)" if what == "output" else "for which an ellipsis"
            why = f"found '.' for {what} {link} was already found"
        elif letter == ".":
            why = f"found '.' for {what} that is not part of any ellipsis (...)"
        elif letter != ELLIPSIS and letter not in string.ascii_letters:
            why = f"invalid subscript given at index {equation.index(letter)}, use letters [a-zA-Z]"
        else:
            continue
        raise RuntimeError(f"einsum(): {why}: {equation!r}")


def _one_axis_a_letter(x: Tensor, letters: str, index: int, equation: str) -> tuple[Tensor, str]:
    """Takes the diagonal where a letter stands twice."""
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {letter} is repeated for operand {index} but the sizes "
                    f"don't match, {x.shape[second]} != {x.shape[first]}: {equation!r}"
                )
            x = x.diagonal(0, first, second)
            letters = letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + letter
    return x, letters


def _lengths(pairs: list[tuple[Tensor, str]], equation: str) -> dict[str, int]:
    """The length of each letter's axis."""
    lengths: dict[str, int] = {}
    for index, (x, letters) in enumerate(pairs):
        for letter, n in zip(letters, x.shape, strict=True):
            known = lengths.get(letter, 1)
            if n != known and 1 not in (n, known):
                raise RuntimeError(
                    f"einsum(): subscript {letter if letter.isalpha() else '...'} has size {n} for "
                    f"operand {index} which does not broadcast with previously seen size {known}: "
                    f"{equation!r}, shapes "
                    f"{', '.join(shape_text(pair[0].shape) for pair in pairs)}"
                )
            lengths[letter] = n if known == 1 else known
    return lengths


def _without_broadcast_axes(x: Tensor, letters: str, lengths: dict[str, int]) -> tuple[Tensor, str]:
    dropped = [i for i, letter in enumerate(letters) if x.shape[i] != lengths[letter]]
    kept = "".join(letter for i, letter in enumerate(letters) if i not in dropped)
    return (x.squeeze(dropped), kept) if dropped else (x, letters)


def _multiply(a: Tensor, of_a: str, b: Tensor, of_b: str, later: str) -> tuple[Tensor, str]:
    """The product of two operands, summed over the letters that nobody needs later."""
    a, b = half_precision(a, b)
    check_pair("einsum", a, b)
    a, of_a = _sum_unused(a, of_a, of_b + later)
    b, of_b = _sum_unused(b, of_b, of_a + later)
    batch = [letter for letter in of_a if letter in of_b and letter in later]
    summed = [letter for letter in of_a if letter in of_b and letter not in later]
    only_a = [letter for letter in of_a if letter not in of_b]
    only_b = [letter for letter in of_b if letter not in of_a]
    size = dict(zip(of_a, a.shape, strict=True)) | dict(zip(of_b, b.shape, strict=True))

    def grouped(x: Tensor, letters: str, *groups: list[str]) -> Tensor:
        """x with its axes in the order of the groups, each group made into one axis."""
        order = [letters.index(letter) for group in groups for letter in group]
        return reshape(permute(x, order), [math.prod(size[e] for e in group) for group in groups])

    product = MatMul.apply(
        grouped(a, of_a, batch, only_a, summed),  # (B, M, S)
        grouped(b, of_b, batch, summed, only_b),  # (B, S, N)
    )  # (B, M, N)
    letters = batch + only_a + only_b
    return reshape(product, [size[letter] for letter in letters]), "".join(letters)


def _sum_unused(x: Tensor, letters: str, needed: str) -> tuple[Tensor, str]:
    unused = [axis for axis, letter in enumerate(letters) if letter not in needed]
    kept = "".join(letter for letter in letters if letter in needed)
    return (sum(x, unused), kept) if unused else (x, letters)
