"""Reading a pickle without running it.

A pickle is a program for a small stack machine. Most instructions push a value or put values into
a container; two are dangerous: GLOBAL looks up any name in any module, and REDUCE calls it. Here
is that machine with a GLOBAL that only knows the names in a table it is given, and refuses every
other one by name. Of the instructions it has those that torch and Python's pickle write for
plain data, in protocols 2 to 5:

    {"a": [1, 2]}   ->   PROTO 2   EMPTY_DICT   BINUNICODE a   EMPTY_LIST   MARK
                         BININT1 1   BININT1 2   APPENDS   SETITEM   STOP

Four things keep a hostile pickle from costing more than its size: lengths are compared with what
is left of the file; integers have at most 255 bytes; arguments of calls are counted, since a list
written once can be named, and copied, many times; and keys are flat and short, since hashing a
tuple of tuples of the same tuples takes time that doubles with each level.
"""

from __future__ import annotations

import argparse
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import backend, dtypes
from .files import Refused, Source

_SCALARS = (str, int, float, bool, bytes, type(None), dtypes.dtype, backend.device)
_LONGEST_KEY = 16
_MARK = object()


class RefusedGlobal(Refused, pickle.UnpicklingError):
    """A pickle names a class or a function that is not plain data (torch's error type)."""


class Callee:
    """What REDUCE may call: a name, and the function that stands in for it."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name, self.function = name, function


class Unsupported:
    """What a known name means of which we have no counterpart."""

    def __init__(self, what: str) -> None:
        self.what = what


def checked_key(key: Any) -> Any:
    """A key of a dict or a member of a set: a scalar, or a flat and short tuple of scalars."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) > _LONGEST_KEY:
        raise ValueError(f"a key in its pickle is a tuple of {len(parts)} values")
    for part in parts:
        if not isinstance(part, _SCALARS):
            raise ValueError(f"a key in its pickle is or holds a {type(part).__name__}")
        if type(part) is int and not -(2**63) <= part < 2**63:
            raise ValueError("a key in its pickle is an integer of more than 64 bits")
    return key


def _ordered_dict(pairs: Any = ()) -> OrderedDict:
    return OrderedDict((checked_key(key), value) for key, value in pairs)


def _set(values: Any = ()) -> set:
    return {checked_key(value) for value in values}


def _bytearray(*values: Any) -> bytearray:
    """Of bytes, or as protocol 2 has it, of text whose letters are bytes."""
    if len(values) == 2 and type(values[0]) is str:
        values = (_encode(*values),)
    if values and type(values[0]) is not bytes:  # a number would be a length
        raise ValueError(f"a bytearray in its pickle is made of a {type(values[0]).__name__}")
    return bytearray(*values)


def _encode(text: str, encoding: str) -> bytes:
    """How protocol 2, which has no instruction for bytes, writes them."""
    if encoding != "latin1":
        raise ValueError(f"its pickle encodes text as {encoding!r}")
    return text.encode("latin1")


PLAIN_NAMES = {
    "collections OrderedDict": Callee("OrderedDict", _ordered_dict),
    "__builtin__ set": Callee("set", _set),
    "builtins set": Callee("set", _set),
    "__builtin__ bytearray": Callee("bytearray", _bytearray),
    "builtins bytearray": Callee("bytearray", _bytearray),
    "__builtin__ bytes": Callee("bytes", lambda: b""),  # those of no length
    "_codecs encode": Callee("encode", _encode),
    "argparse Namespace": argparse.Namespace,  # a program's arguments, in its checkpoints
}


class Unpickler:
    """One pickle. names: "module name" -> a value, or a Callee. persistent: BINPERSID's function.

    After `load`, the source stands behind the pickle's last byte.
    """

    # How text is read that Python 2 wrote as its str ("bytes": not at all), and what may be in
    # such a file.
    encoding = "utf-8"
    advice = (
        "Only tensors, arrays, numbers, text, lists, tuples, dicts and sets are read; save a "
        "model's state_dict() instead of the model."
    )

    def __init__(
        self,
        source: Source,
        names: Mapping[str, Any],
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.source, self.names, self.persistent = source, names, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.copies_left = 2 * source.left  # text becomes bytes, and bytes become an array

    def load(self) -> Any:
        """Runs the instructions up to STOP, and returns the value that is left."""
        while True:
            instruction = self.source.take(1)
            if instruction == pickle.STOP:
                value = self.pop()
                if self.stack:
                    raise ValueError("its pickle leaves more than one value")
                return value
            step = _STEPS.get(instruction)
            if step is None:
                raise ValueError(f"its pickle has the instruction {instruction!r}")
            step(self)

    def pop(self) -> Any:
        """Takes a value off the stack, which must be a value and no mark."""
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("its pickle takes a mark for a value")
        return value

    # ---- numbers and text

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.source.take(struct.calcsize(layout)))[0]

    def text(self, length: int) -> str:
        return self.source.take(length).decode("utf-8", "surrogatepass")

    def old_text(self, length: int) -> str | bytes:
        data = self.source.take(length)
        return data if self.encoding == "bytes" else data.decode(self.encoding, "surrogatepass")

    def long1(self) -> None:
        data = self.source.take(self.number("B"))
        self.stack.append(int.from_bytes(data, "little", signed=True))

    # ---- containers

    def since_mark(self) -> list[Any]:
        """Takes the values above the last MARK off the stack, and the mark too."""
        values: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        values.reverse()
        return values

    def make_tuple(self, length: int) -> None:
        values = [self.pop() for _ in range(length)]
        self.stack.append(tuple(reversed(values)))

    def add_to_list(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError(f"its pickle appends to a {type(self.stack[-1]).__name__}")
        self.stack[-1].extend(values)

    def add_to_dict(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict) or len(values) % 2:
            raise ValueError(f"its pickle puts {len(values)} values into a {type(target).__name__}")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[checked_key(key)] = value

    def add_to_set(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not set:
            raise ValueError(f"its pickle adds to a {type(self.stack[-1]).__name__}")
        self.stack[-1].update([checked_key(value) for value in values])

    # ---- the memo: values that are named again later

    def remember(self, index: int) -> None:
        if self.stack[-1] is _MARK:
            raise ValueError("its pickle remembers a mark")
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        self.stack.append(self.memo[index])

    # ---- names, calls, state

    def find(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("its pickle looks up a name that is not text")
        key = f"{module} {name}"
        if key not in self.names:
            raise RefusedGlobal(
                f"{self.source.name} asks for {module}.{name}, which is not plain data. "
                f"{self.advice}"
            )
        value = self.names[key]
        if isinstance(value, Unsupported):
            raise NotImplementedError(f"{self.source.name} holds {value.what}: not supported")
        self.stack.append(value)

    def find_by_lines(self) -> None:
        module = self.source.take_line().decode()
        self.find(module, self.source.take_line().decode())

    def find_by_stack(self) -> None:
        name = self.pop()
        self.find(self.pop(), name)

    def call(self) -> None:
        args, callee = self.pop(), self.pop()
        if not isinstance(callee, Callee) or not isinstance(args, tuple):
            raise ValueError(f"its pickle calls a {type(callee).__name__}")
        self.count_copies(args)
        self.stack.append(callee.function(*args))

    def make_object(self) -> None:
        """Makes an object without state: only a Namespace, which is a dict by another name."""
        args, kind = self.pop(), self.pop()
        if kind is not argparse.Namespace or args != ():
            raise ValueError(f"its pickle makes a {getattr(kind, '__name__', kind)!r:.60}")
        self.stack.append(argparse.Namespace())

    def count_copies(self, values: Any) -> None:
        """Refuses to hand over more than twice the file's length in all calls together."""
        for value in values:
            if isinstance(value, list | tuple | str | bytes):
                self.copies_left -= len(value)
            elif isinstance(value, np.ndarray):
                self.copies_left -= value.size
        if self.copies_left < 0:
            raise ValueError("its pickle copies the same values over and over")

    def build(self) -> None:
        """Sets attributes: those of a Namespace, and a state_dict's version numbers."""
        state = self.pop()
        target = self.stack[-1]
        if type(target) is argparse.Namespace and type(state) is dict:
            if not all(type(name) is str for name in state):
                raise ValueError("its pickle has a Namespace with a name that is not text")
            vars(target).update(state)
            return
        if type(target) is not OrderedDict or type(state) is not dict or set(state) - {"_metadata"}:
            raise RefusedGlobal(
                f"{self.source.name} sets attributes of a {type(target).__name__}; only "
                "the _metadata of an OrderedDict can be set"
            )
        for name, value in state.items():
            setattr(target, name, value)

    def find_persistent(self) -> None:
        if self.persistent is None:
            raise ValueError("its pickle names a storage where none can be")
        self.stack.append(self.persistent(self.pop()))


_STEPS: dict[bytes, Callable[[Unpickler], Any]] = {
    pickle.PROTO: lambda u: u.number("B"),
    pickle.FRAME: lambda u: u.number("<Q"),
    pickle.NONE: lambda u: u.stack.append(None),
    pickle.NEWTRUE: lambda u: u.stack.append(True),
    pickle.NEWFALSE: lambda u: u.stack.append(False),
    pickle.BININT: lambda u: u.stack.append(u.number("<i")),
    pickle.BININT1: lambda u: u.stack.append(u.number("B")),
    pickle.BININT2: lambda u: u.stack.append(u.number("<H")),
    pickle.LONG1: Unpickler.long1,
    pickle.BINFLOAT: lambda u: u.stack.append(u.number(">d")),
    pickle.BINUNICODE: lambda u: u.stack.append(u.text(u.number("<I"))),
    pickle.SHORT_BINUNICODE: lambda u: u.stack.append(u.text(u.number("B"))),
    # Python 2 wrote its str, which was bytes and text in one, by these two.
    pickle.BINSTRING: lambda u: u.stack.append(u.old_text(u.number("<i"))),
    pickle.SHORT_BINSTRING: lambda u: u.stack.append(u.old_text(u.number("B"))),
    pickle.BINBYTES: lambda u: u.stack.append(u.source.take(u.number("<I"))),
    pickle.SHORT_BINBYTES: lambda u: u.stack.append(u.source.take(u.number("B"))),
    pickle.BYTEARRAY8: lambda u: u.stack.append(u.source.take(u.number("<Q"))),
    pickle.MARK: lambda u: u.stack.append(_MARK),
    pickle.EMPTY_TUPLE: lambda u: u.stack.append(()),
    pickle.TUPLE: lambda u: u.stack.append(tuple(u.since_mark())),
    pickle.TUPLE1: lambda u: u.make_tuple(1),
    pickle.TUPLE2: lambda u: u.make_tuple(2),
    pickle.TUPLE3: lambda u: u.make_tuple(3),
    pickle.EMPTY_LIST: lambda u: u.stack.append([]),
    pickle.APPEND: lambda u: u.add_to_list([u.pop()]),
    pickle.APPENDS: lambda u: u.add_to_list(u.since_mark()),
    pickle.EMPTY_DICT: lambda u: u.stack.append({}),
    pickle.SETITEM: lambda u: u.add_to_dict([u.pop(), u.pop()][::-1]),
    pickle.SETITEMS: lambda u: u.add_to_dict(u.since_mark()),
    pickle.EMPTY_SET: lambda u: u.stack.append(set()),
    pickle.ADDITEMS: lambda u: u.add_to_set(u.since_mark()),
    pickle.BINPUT: lambda u: u.remember(u.number("B")),
    pickle.LONG_BINPUT: lambda u: u.remember(u.number("<I")),
    pickle.MEMOIZE: lambda u: u.remember(len(u.memo)),
    pickle.BINGET: lambda u: u.recall(u.number("B")),
    pickle.LONG_BINGET: lambda u: u.recall(u.number("<I")),
    pickle.GLOBAL: Unpickler.find_by_lines,
    pickle.STACK_GLOBAL: Unpickler.find_by_stack,
    pickle.REDUCE: Unpickler.call,
    pickle.NEWOBJ: Unpickler.make_object,
    pickle.BUILD: lambda u: u.build(),
    pickle.BINPERSID: Unpickler.find_persistent,
}
