"""TensorFlow's TensorProto: numbers as an array, or texts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.importers.protobuf import MalformedMessage, Value, data, fields, number, signed, varint

STRING = 7
CONTENT = 4
# By DataType: the type of tensor_content. Float, double, int32, uint8, int16, int8, int64, bool, half.
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "|u1", 5: "<i2", 6: "|i1", 9: "<i8", 10: "|b1", 19: "<f2"}
FLOATS = {5: "<f4", 6: "<f8"}  # fields of packed floating-point values
INTEGERS = (7, 10, 11)  # fields of packed varints: int_val, int64_val, bool_val
STRINGS = 8


@dataclass(frozen=True)
class Tensor:
    """Either numbers in their shape, or texts (bytes) in a row; neither, if the type is none that is read."""

    numbers: npt.NDArray[Any] | None = None
    texts: tuple[bytes, ...] | None = None


def read_tensor(message: bytes) -> Tensor:
    """Return a tensor. Raises MalformedMessage."""
    dtype, shape, values, texts = 0, [], [], []
    for name, value in fields(message):
        if name == 1:
            dtype = number(value)
        elif name == 2:
            shape = _shape(data(value))
        elif name == STRINGS:
            texts.append(data(value))
        else:
            values.append((name, value))
    if dtype == STRING:
        return Tensor(texts=tuple(texts))
    return Tensor(_shaped(_numbers(dtype, values), shape)) if dtype in DTYPES else Tensor()


def _shape(message: bytes) -> list[int]:
    """Return the sizes of a TensorShapeProto (2 dim: 1 size)."""
    sizes = []
    for name, value in fields(message):
        if name == 2:
            sizes.append(next((signed(number(size)) for inner, size in fields(data(value)) if inner == 1), 0))
    return sizes


def _numbers(dtype: int, values: list[tuple[int, Value]]) -> npt.NDArray[Any]:
    found: list[float] = []
    for name, value in values:
        if name == CONTENT:
            content = data(value)
            size = np.dtype(DTYPES[dtype]).itemsize
            return np.frombuffer(content[: len(content) // size * size], DTYPES[dtype])
        if name in FLOATS:
            found += np.frombuffer(data(value), FLOATS[name]).tolist() if len(data(value)) % 4 == 0 else []
        elif name in INTEGERS:
            found += [signed(value)] if isinstance(value, int) else _varints(value)
    return np.array(found)


def _varints(packed: bytes) -> list[float]:
    at, found = 0, []
    while at < len(packed):
        one, at = varint(packed, at)
        found.append(float(signed(one)))
    return found


def _shaped(numbers: npt.NDArray[Any], shape: list[int]) -> npt.NDArray[Any]:
    """Return numbers in their shape; one number stands for all of them. Raises MalformedMessage."""
    count = math.prod(shape)
    if numbers.size == 1 and count > 1:
        numbers = np.repeat(numbers, min(count, 1 << 20))
    if numbers.size != count:
        raise MalformedMessage(f"a tensor of shape {shape} has {numbers.size} values")
    return numbers.reshape(shape)
