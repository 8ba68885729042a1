"""A joblib file read as inert data: what its pickle says is looked at and never done.

The opcodes are interpreted here by a stack machine that calls nothing. A class that is on the list becomes a
`Record` of its name and state, an array its numbers; anything else that the pickle names is refused by that name.
Arrays lie in the stream between two opcodes, as joblib writes them. The layout was learned from files, opcode by
opcode.
"""

import bz2
import lzma
import pickletools
import warnings
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artifacts_build.errors import ForeignRouterError

# A trained router is tens of kilobytes; even one of a large embedding with its cache is far below this.
MOST_BYTES = 256 * 2**20
READ_BYTES = 2**16

ARRAY = ("joblib.numpy_pickle", "NumpyArrayWrapper")
# numpy moved its modules in version 2; a file of either is read.
DTYPE = ("numpy", "dtype")
SCALARS = {("numpy._core.multiarray", "scalar"), ("numpy.core.multiarray", "scalar")}
# A path is kept as its text and never looked at.
PATHS = {("pathlib", "PosixPath"), ("pathlib", "WindowsPath"), ("pathlib._local", "PosixPath")}
PLAIN = {("numpy", "ndarray"), ARRAY, DTYPE, *SCALARS, *PATHS}


@dataclass(frozen=True)
class Name:
    """A class or function that the pickle names: a name, never the thing."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Record:
    """What would have been an object: its class's name and its attributes."""

    kind: Name
    state: dict[str, Any] = field(default_factory=dict)


class _Mark:
    """Where a MARK opcode lies on the stack."""


MARK = _Mark()


def read_joblib(path: Path, allowed: Collection[tuple[str, str]]) -> Any:
    """What a joblib file holds, as plain values, arrays and `Record`s.

    Args:
        path: the file, plain or compressed with zlib, gzip, bz2 or xz.
        allowed: (module, name) of the classes that may become a `Record`.

    Raises:
        ForeignRouterError: the file is cut off or no joblib file, or names something that is not allowed.
    """
    try:
        raw = path.read_bytes()
    except IsADirectoryError:
        raise ForeignRouterError(f"{path}: a folder, where a joblib file is expected. Name the file.") from None
    except FileNotFoundError:
        raise ForeignRouterError(f"{path}: no such file. Check the path.") from None
    except OSError as error:
        raise ForeignRouterError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from None
    machine = _Machine(path, BytesIO(_decompressed(raw, path)), frozenset(allowed) | PLAIN)
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes in damaged texts
            return machine.run()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, EOFError, OverflowError, MemoryError) as error:
        # Whatever a broken or a hostile stream makes the machine stumble over ends here.
        raise ForeignRouterError(
            f"{path}: damaged or cut off at byte {machine.stream.tell():,}, or not a joblib file "
            f"({type(error).__name__}: {str(error)[:120]}). Save the router again."
        ) from None


def _decompressed(raw: bytes, path: Path) -> bytes:
    """The pickle inside; what is longer than `MOST_BYTES` once decompressed is refused before it is all there."""
    if raw[:4] == b"\x04\x22\x4d\x18":
        raise ForeignRouterError(
            f"{path}: compressed with lz4, which is not read here. Save it again without compress=."
        )
    decompressor: Any
    if raw[:1] == b"\x78":
        decompressor = zlib.decompressobj()
    elif raw[:2] == b"\x1f\x8b":
        decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)
    elif raw[:3] == b"BZh":
        decompressor = bz2.BZ2Decompressor()
    elif raw[:6] == b"\xfd7zXZ\x00" or raw[:3] == b"]\x00\x00":
        decompressor = lzma.LZMADecompressor()
    else:
        return _limited(raw, path)
    parts, total, pending = [], 0, raw
    try:
        while not decompressor.eof:
            part = decompressor.decompress(pending, READ_BYTES)
            # zlib hands back what it did not look at; the other two keep it themselves.
            pending = getattr(decompressor, "unconsumed_tail", b"")
            if not part and not pending:
                break
            parts.append(part)
            total += len(part)
            if total > MOST_BYTES:
                break
    except (zlib.error, OSError, EOFError, lzma.LZMAError) as error:
        raise ForeignRouterError(f"{path}: cannot be decompressed: {error}. Save the router again.") from None
    if not decompressor.eof and total <= MOST_BYTES:
        raise ForeignRouterError(f"{path}: the compressed data is cut off after {total:,} bytes. Copy it whole.")
    return _limited(b"".join(parts), path)


def _limited(raw: bytes, path: Path) -> bytes:
    if len(raw) > MOST_BYTES:
        raise ForeignRouterError(
            f"{path}: holds more than {MOST_BYTES:,} bytes, far more than a router. Nothing was read."
        )
    return raw


class _Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(self, path: Path, stream: BytesIO, allowed: frozenset[tuple[str, str]]) -> None:
        self.path = path
        self.stream = stream
        self.allowed = allowed
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        # `genops` reads an opcode only when it is asked for one, so arrays between opcodes can be taken out first.
        for opcode, argument, _ in pickletools.genops(self.stream):
            if opcode.name == "STOP":
                return self.stack.pop()
            self._step(opcode.name, argument)
        raise ValueError("no end")

    def _refuse(self, what: str) -> ForeignRouterError:
        return ForeignRouterError(
            f"{self.path}: refused at byte {self.stream.tell():,}: it asks for {what}, which no router needs. "
            "Nothing of it was run. Use a file that you saved yourself."
        )

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in LITERALS:
            stack.append(argument)
        elif name in ("PROTO", "FRAME"):
            pass
        elif name == "MARK":
            stack.append(MARK)
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if name == "EMPTY_LIST" else {})
        elif name in ("TUPLE", "LIST", "DICT"):
            items = self._since_mark()
            stack.append(_pairs(items) if name == "DICT" else tuple(items) if name == "TUPLE" else items)
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("APPEND", "APPENDS"):
            items = [stack.pop()] if name == "APPEND" else self._since_mark()
            self._top(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = [stack.pop() for _ in range(2)][::-1] if name == "SETITEM" else self._since_mark()
            self._top(dict).update(_pairs(items))
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[len(self.memo) if argument is None else int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            kept = self.memo[int(argument)]
            stack.append(kept.state.get("array", kept) if isinstance(kept, Record) else kept)
        elif name == "GLOBAL":
            stack.append(self._named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(self._named(module, attribute))
        elif name == "NEWOBJ":
            arguments, kind = stack.pop(), stack.pop()
            stack.append(self._new(kind, arguments))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(self._reduced(function, arguments))
        elif name == "BUILD":
            state, target = stack.pop(), stack.pop()
            stack.append(self._built(target, state))
        else:
            raise self._refuse(f"the opcode {name}")

    def _since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise ValueError(f"no {kind.__name__} to add to")
        return self.stack[-1]

    def _named(self, module: object, name: object) -> Name:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is no text")
        if (module, name) not in self.allowed:
            raise self._refuse(f"{module}.{name}"[:200])
        return Name(module, name)

    def _new(self, kind: object, arguments: object) -> Record:
        if not isinstance(kind, Name) or (kind.module, kind.name) in SCALARS | PATHS or arguments != ():
            raise self._refuse(f"an object made of {str(kind)[:100]}")
        return Record(kind)

    def _reduced(self, function: object, arguments: Any) -> Any:
        key = (function.module, function.name) if isinstance(function, Name) else None
        if key == DTYPE:
            return Record(Name(*DTYPE), {"code": arguments[0]})
        if key in SCALARS:
            dtype, raw = arguments
            return np.frombuffer(raw, dtype=self._dtype(dtype), count=1)[0].item()
        if key in PATHS and all(isinstance(part, str) for part in arguments):
            return "/".join(arguments)
        raise self._refuse(f"a call of {str(function)[:100]}")

    def _built(self, target: object, state: Any) -> Any:
        if not isinstance(target, Record):
            raise self._refuse(f"a state for {type(target).__name__}")
        if target.kind == Name(*DTYPE):
            target.state["order"] = state[1]
            return target
        if not isinstance(state, dict):
            raise self._refuse(f"a {type(state).__name__} as the state of {target.kind}")
        target.state.update(state)
        if target.kind == Name(*ARRAY):
            array = self._array(target)
            # The memo holds the wrapper already; what is fetched from it later is the array.
            target.state["array"] = array
            return array
        return target

    def _array(self, wrapper: Record) -> NDArray[Any]:
        """The array whose bytes follow in the stream."""
        shape, order, dtype = wrapper.state["shape"], wrapper.state["order"], self._dtype(wrapper.state["dtype"])
        if not all(isinstance(size, int) and size >= 0 for size in shape):
            raise ValueError("a shape that cannot be")
        if wrapper.state.get("numpy_array_alignment_bytes") is not None:
            self.stream.seek(self.stream.read(1)[0], 1)
        count = 1
        for size in shape:
            count *= size
        left = len(self.stream.getbuffer()) - self.stream.tell()
        if count * dtype.itemsize > left:
            raise ValueError(f"an array of {count * dtype.itemsize:,} bytes where {left:,} are left")
        raw = self.stream.read(count * dtype.itemsize)
        return np.frombuffer(raw, dtype=dtype, count=count).reshape(shape, order="F" if order == "F" else "C")

    def _dtype(self, record: object) -> "np.dtype[Any]":
        """A dtype of plain numbers; objects, records and texts are refused."""
        if not isinstance(record, Record) or record.kind != Name(*DTYPE):
            raise ValueError("no dtype")
        code, order = record.state["code"], record.state.get("order", "|")
        if (
            not isinstance(code, str)
            or code[:1] not in "fiub"
            or not code[1:].isdigit()
            or order not in ("<", ">", "|")
        ):
            raise self._refuse(f"an array of dtype {str(code)[:20]!r}")
        return np.dtype(f"{order}{code}")


CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
}


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))
