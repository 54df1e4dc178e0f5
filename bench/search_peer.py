#!/usr/bin/python3
"""scikit-learn beside bench/search_bench.cpp, which starts this: the same rows, folds and values of C.

usage: search_peer.py FOLDER ROWS COLUMNS FOLDS JOBS C...
FOLDER holds x.f64 (all rows, C order), y.u8 and fold.u8 (the fold that holds a row out). Prints one
JSON line: seconds with a pool of processes that is up already, the best C and the mean log-losses.
Each fold is standardised by its own training rows, as ours is; the model of all rows is fitted too.
"""
import json
import os
import sys
import time

folder = sys.argv[1]
rows, columns, folds, jobs = map(int, sys.argv[2:6])
values = [float(text) for text in sys.argv[6:]]
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

x = np.fromfile(os.path.join(folder, "x.f64"), np.float64).reshape(-1, columns)[:rows]
y = np.fromfile(os.path.join(folder, "y.u8"), np.uint8)[:rows]
fold = np.fromfile(os.path.join(folder, "fold.u8"), np.uint8)[:rows]


def search(grid, fold, **more):
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, **more))
    return GridSearchCV(model, {"logisticregression__C": grid}, cv=PredefinedSplit(fold),
                        n_jobs=jobs, scoring="neg_log_loss")


search(values[:1], fold[:1000]).fit(x[:1000], y[:1000])  # The processes of the pool start.
start = time.perf_counter()
found = search(values, fold, tol=1e-6).fit(x, y)
seconds = time.perf_counter() - start
print(json.dumps({"version": sklearn.__version__, "fit_s": seconds,
                  "best_c": found.best_params_["logisticregression__C"],
                  "log_loss": [-score for score in found.cv_results_["mean_test_score"]]}))
