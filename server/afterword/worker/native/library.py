"""The interface of the compiled code, for Python: structures as decoder.cpp has them, and its functions."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int32, c_int64, c_void_p
from enum import IntEnum
from pathlib import Path


class WeightKind(IntEnum):
    """The type of weights in memory."""

    FLOAT32 = 0
    INT8 = 1


class Activation(IntEnum):
    """The activation function of a feed-forward layer."""

    SILU = 0
    GELU_TANH = 1


class Number(IntEnum):
    """The type of keys and values in memory."""

    FLOATS = 0
    HALVES = 1


class Matrix(ctypes.Structure):
    """`Matrix` of matrix.h."""

    _fields_ = (
        ("outputs", c_int32),
        ("inputs", c_int32),
        ("kind", c_int32),
        ("unused", c_int32),
        ("data", c_void_p),
        ("scales", c_void_p),
        ("bias", c_void_p),
    )


class Layer(ctypes.Structure):
    """`Layer` of decoder.cpp."""

    _fields_ = (
        ("qkv", Matrix),
        ("out", Matrix),
        ("gate", Matrix),
        ("up", Matrix),
        ("down", Matrix),
        ("attention_norm", c_void_p),
        ("after_attention_norm", c_void_p),
        ("mlp_norm", c_void_p),
        ("after_mlp_norm", c_void_p),
        ("query_norm", c_void_p),
        ("key_norm", c_void_p),
        ("cosines", c_void_p),
        ("sines", c_void_p),
        ("window", c_int64),
    )


class Model(ctypes.Structure):
    """`Model` of decoder.cpp."""

    _fields_ = (
        ("hidden", c_int32),
        ("heads", c_int32),
        ("kv_heads", c_int32),
        ("width", c_int32),
        ("intermediate", c_int32),
        ("layers", c_int32),
        ("rotary", c_int32),
        ("activation", c_int32),
        ("epsilon", c_float),
        ("attention_scale", c_float),
        ("embedding_scale", c_float),
        ("unused", c_float),
        ("final_norm", c_void_p),
        ("embedding", Matrix),
        ("head", Matrix),
        ("layer", POINTER(Layer)),
    )


class Packed(ctypes.Structure):
    """`Packed` of decoder.cpp."""

    _fields_ = (
        ("rows", c_int32),
        ("number", c_int32),
        ("cache_rows", c_int64),
        ("tokens", c_void_p),
        ("positions", c_void_p),
        ("slots", c_void_p),
        ("places", c_void_p),
        ("ends", c_void_p),
        ("starts", c_void_p),
        ("others", c_void_p),
        ("other_places", c_void_p),
        ("keys", c_void_p),
        ("values", c_void_p),
    )


def opened(path: Path) -> ctypes.CDLL:
    """The library at `path`. Calls of its functions let other Python threads run. Raises `OSError`."""
    library = ctypes.CDLL(str(path))
    for name, result, arguments in (
        ("packed_items", c_int64, [c_int32, c_int32]),
        ("pack", None, [c_void_p, POINTER(Matrix), c_void_p, c_void_p]),
        ("new", c_void_p, [POINTER(Model), c_int32]),
        ("free", None, [c_void_p]),
        ("begin", None, [c_void_p, POINTER(Packed)]),
        ("layer", None, [c_void_p, c_int32, c_void_p]),
        ("choose", c_int64, [c_void_p, c_int64, c_void_p, c_int64, POINTER(c_float)]),
        ("ban", None, [c_void_p, c_int64, c_int64, c_void_p, c_int64]),
        ("head", None, [c_void_p, c_void_p, c_int32, c_void_p, c_int64]),
    ):
        function = getattr(library, f"afterword_{name}")
        function.restype, function.argtypes = result, arguments
    return library
