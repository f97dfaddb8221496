"""Ask for memory before it is read, so that a loop that computes does not wait for it."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from footloom.kernels.jit import intrinsic

__all__ = ("prefetch",)

_READ, _KEEP, _DATA = 0, 3, 1  # what LLVM's `llvm.prefetch` is told: to be read, soon and often, no code


@intrinsic
def prefetch(_context: Any, array: Any, index: Any) -> Any:
    """Bring the cache line of ``array[index]`` nearer; an index outside of the array does nothing."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        number, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        at = builder.bitcast(builder.gep(data, [args[1]]), pointer)
        builder.call(call, [at, *(number(value) for value in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, index), generate
