#!/usr/bin/python3
"""NumPy beside bench/matmul_bench.cpp, which starts this: one product of square matrices, one thread.

usage: matmul_peer.py N PASSES
Prints one JSON line: the GFLOP/s of the best pass, in f32 and f64, and which BLAS there is.
"""
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

n, passes = map(int, sys.argv[1:3])
found = {"version": np.__version__}
for name in ("float32", "float64"):
    a, b = np.random.default_rng(1).uniform(-1, 1, (2, n, n)).astype(name)
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    found[name] = 2e-9 * n**3 / min(seconds)
print(json.dumps(found))
