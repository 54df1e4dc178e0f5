"""Training and prediction on tables that are in memory."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from .client import Client, Job

ID = "netcompute_row"
TARGET = "netcompute_target"

Rows = List[Tuple[Any, ...]]


class Model:
    """What a training found."""

    def __init__(self, client: "Client", job: "Job", result: Dict[str, Any], names: List[str]) -> None:
        self._client = client
        self._names = names
        self.job = job
        self.result = result  #: The training's result: metrics, notes, what its algorithm tells.

    def __repr__(self) -> str:
        return f"<Model {self.result['algorithm']} {self.sha256[:8]}>"

    @property
    def metrics(self) -> Dict[str, float]:
        """How it does on the rows that it was trained on."""
        return self.result["metrics"]

    @property
    def sha256(self) -> str:
        return self.result["model_sha256"]

    @property
    def notes(self) -> List[str]:
        """What the master did with the table that may surprise: columns left out, and the like."""
        return self.result["notes"]

    def save(self, to: Any = None) -> Any:
        """Writes model.json; `client.submit("predict", {"model": client.upload(FILE), …})` takes
        it again."""
        return self.job.fetch("model", to)

    def predict(self, features: Any) -> Any:
        """The class (as text) or the number that it predicts for each row; a NumPy array where
        `features` is one, or a DataFrame."""
        convert = float if self._is_of_numbers else str
        return _like(features, [convert(row[1]) for row in self._predict(features)])

    def predict_proba(self, features: Any) -> Any:
        """The probability of each class, in order of `classes`; of classes only."""
        if self._is_of_numbers:
            raise ValueError("it predicts numbers, which have no probabilities")
        rows = self._predict(features)
        return _like(features, [[float(share) for share in row[2:]] for row in rows])

    @property
    def classes(self) -> List[str]:
        """The classes, in order; none where it predicts numbers."""
        classes = self.document()["classes"]
        if isinstance(classes, dict):
            return [classes["negative"], classes["positive"]]
        return classes or []

    def document(self) -> Dict[str, Any]:
        """model.json."""
        return json.loads(self.job.read("model"))

    @property
    def _is_of_numbers(self) -> bool:
        return "rmse" in self.metrics

    def _predict(self, features: Any) -> List[List[str]]:
        names, rows = _table(features, self._names)
        text = _csv([ID, *names], [(i, *row) for i, row in enumerate(rows)])
        path = _upload(self._client, text)
        params = {
            "data": path,
            "model": f"job:{self.job.id}/model",
            "id": ID,
            "output": _output("predicted", path, self.sha256),
            "probabilities": "columns",
        }
        job = self._client.submit("predict", params)
        job.result()
        return list(csv.reader(io.StringIO(job.read("submission").decode("utf-8"))))[1:]


def fit_model(
    client: "Client", features: Any, target: Any, algorithm: str, params: Mapping[str, Any]
) -> Model:
    names, rows = _table(features, None)
    targets = _column(target)
    if len(targets) != len(rows):
        raise ValueError(f"{len(rows)} rows and {len(targets)} targets; there is one for each row")
    text = _csv(
        [ID, *names, TARGET], [(i, *row, value) for i, (row, value) in enumerate(zip(rows, targets))]
    )
    path = _upload(client, text)
    # JSON in a fixed order: the same training writes the same files.
    key = json.dumps([algorithm, dict(params)], sort_keys=True)
    request = {
        "data": path,
        "target": TARGET,
        "id": ID,
        "algorithm": algorithm,
        "model": _output("model", path, key)[: -len(".csv")] + ".json",
        "output": _output("trained", path, key),
        **params,
    }
    job = client.submit("train", request)
    return Model(client, job, job.result(), names)


def _upload(client: "Client", text: bytes) -> str:
    return client.upload_once(text, f"python-{hashlib.sha256(text).hexdigest()[:16]}.csv")


def _output(what: str, *of: str) -> str:
    return f"Data/python-{what}-{hashlib.sha256('|'.join(of).encode()).hexdigest()[:16]}.csv"


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if _is_missing(v) else v for v in row] for row in rows])
    return text.getvalue().encode("utf-8")


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # NaN, NaT and NA differ from themselves.


def _table(features: Any, names: Optional[List[str]]) -> Tuple[List[str], Rows]:
    """Names of the columns, and rows. `names`: those of the training, where there was one."""
    if hasattr(features, "columns") and hasattr(features, "itertuples"):  # pandas
        found = [str(name) for name in features.columns]
        return found, [tuple(row) for row in features.itertuples(index=False, name=None)]
    if hasattr(features, "tolist"):  # NumPy
        features = features.tolist()
    rows = list(features)
    if rows and isinstance(rows[0], Mapping):
        found = list(rows[0])
        return found, [tuple(row.get(name) for name in found) for row in rows]
    width = len(rows[0]) if rows else 0
    if any(len(row) != width for row in rows):
        raise ValueError("the rows have different numbers of values")
    if names is not None and rows and len(names) != width:
        raise ValueError(f"rows of {width} values for a model of {len(names)} columns")
    return names or [f"x{i}" for i in range(width)], [tuple(row) for row in rows]


def _column(target: Any) -> List[Any]:
    if hasattr(target, "tolist"):
        target = target.tolist()
    return list(target)


def _like(features: Any, values: List[Any]) -> Any:
    """A NumPy array where the features were NumPy's or pandas'."""
    if hasattr(features, "tolist") or hasattr(features, "columns"):
        import numpy

        return numpy.array(values)
    return values
