"""The value of a rank, without sorting all."""

from __future__ import annotations

from footloom.kernels.jit import part

__all__ = ("nth_smallest",)


@part
def nth_smallest(values, count, nth):
    """Return the value of rank ``nth`` among ``values[:count]``, which are reordered (Hoare's selection)."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if nth <= j:
            high = j
        elif nth >= i:
            low = i
        else:
            break
    return values[nth]
