"""How loops of this package are compiled."""

from collections.abc import Callable, Collection
from functools import partial
from typing import cast

from numba import njit

__all__ = ["compiled"]


def compiled[F: Callable[..., object]](*, freedoms: Collection[str] = ()) -> Callable[[F], F]:
    """Compiles a function by numba, for threads of our own: it runs without the interpreter's lock.

    So no OpenMP pool meets that of implicit.

    Args:
        freedoms: What the compiler may take with floating-point numbers, by LLVM's names.
    """

    def compile_function(function: F) -> F:
        compiler = partial(njit, nogil=True, error_model="numpy", fastmath=set(freedoms))
        try:
            found = compiler(cache=True)(function)
        except RuntimeError:
            # A read-only container without NUMBA_CACHE_DIR has no place to keep compiled code.
            found = compiler()(function)
        return cast("F", found)

    return compile_function
