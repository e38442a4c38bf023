"""Work through a batch in pieces that fit a core's cache, on as many threads as BLAS may use."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import ThreadpoolController

PIECE = 1 << 20  # bytes of buffer a thread works in: about a core's second-level cache


def in_pieces(work, count, shape, dtype):
    """Call `work(pieces, buffer)` on each thread; returns the list of what the calls returned.

    count: how many pictures. shape, dtype: of the buffer that one picture needs.
    pieces: list of slices of the batch; buffer: (n, *shape), n the longest piece.
    """
    each = int(np.prod(shape)) * np.dtype(dtype).itemsize
    threads = min(count, thread_count())
    length = max(1, min(PIECE // each, -(-count // threads)))
    pieces = [slice(start, min(start + length, count)) for start in range(0, count, length)]

    def run(mine):
        return work(mine, np.empty((length, *shape), dtype))

    if threads == 1 or len(pieces) == 1:
        return [run(pieces)]
    with _blas().limit(limits=1):  # each thread multiplies by itself
        return list(_pool(threads).map(run, [pieces[i::threads] for i in range(threads)]))


def thread_count():
    """How many threads BLAS may use now: OMP_NUM_THREADS, or all cores."""
    return max([library.num_threads for library in _blas().lib_controllers], default=1)


@functools.cache
def _blas():
    return ThreadpoolController().select(user_api="blas")


@functools.cache
def _pool(threads):
    return ThreadPoolExecutor(threads)
