#!/usr/bin/python3
"""scikit-learn's random forest beside bench/boosting_bench.cpp --forest, which starts this.

usage: forest_peer.py FOLDER ROWS HELD_OUT COLUMNS TREES THREADS
FOLDER holds x.f32 (all rows, C order) and y.u8. Prints one JSON line: fit_s and cpu_s (from the array
on) and the AUC of the held-out rows, which are the last ones.
"""
import json
import os
import sys
import time

folder = sys.argv[1]
rows, held_out, columns, trees, threads = map(int, sys.argv[2:7])

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

x = np.fromfile(os.path.join(folder, "x.f32"), np.float32).reshape(-1, columns)
y = np.fromfile(os.path.join(folder, "y.u8"), np.uint8)
model = RandomForestClassifier(n_estimators=trees, max_depth=12, n_jobs=threads, random_state=0)
start = time.perf_counter()
cpu_start = time.process_time()
model.fit(x[:rows], y[:rows])
fit_s = time.perf_counter() - start
cpu_s = time.process_time() - cpu_start
chances = model.predict_proba(x[rows:])[:, 1]
print(json.dumps({"version": sklearn.__version__, "fit_s": fit_s, "cpu_s": cpu_s,
                  "auc": float(roc_auc_score(y[rows:], chances))}))
