#!/usr/bin/python3
"""XGBoost beside bench/boosting_bench.cpp, which starts this: the same rows, the same parameters.

usage: boosting_peer.py FOLDER ROWS HELD_OUT COLUMNS TREES THREADS
FOLDER holds x.f32 (all rows, C order) and y.u8. Prints one JSON line: fit_s and cpu_s (from the array
on, with the making of its bins) and the AUC of the held-out rows, which are the last ones. Threads
that wait give their core away, as ours do: on a machine that others use they would spin in vain.
"""
import json
import os
import sys
import time

folder = sys.argv[1]
rows, held_out, columns, trees, threads = map(int, sys.argv[2:7])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(threads)
os.environ["OMP_WAIT_POLICY"] = "passive"

import numpy as np
import xgboost
from sklearn.metrics import roc_auc_score

x = np.fromfile(os.path.join(folder, "x.f32"), np.float32).reshape(-1, columns)
y = np.fromfile(os.path.join(folder, "y.u8"), np.uint8)
model = xgboost.XGBClassifier(n_estimators=trees, max_depth=6, learning_rate=0.1,
                              tree_method="hist", max_bin=256, n_jobs=threads)
start = time.perf_counter()
cpu_start = time.process_time()
model.fit(x[:rows], y[:rows])
fit_s = time.perf_counter() - start
cpu_s = time.process_time() - cpu_start
chances = model.predict_proba(x[rows:])[:, 1]
print(json.dumps({"version": xgboost.__version__, "fit_s": fit_s, "cpu_s": cpu_s,
                  "auc": float(roc_auc_score(y[rows:], chances))}))
