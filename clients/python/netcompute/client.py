"""A master, and the jobs that it has."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import sys
import time
import uuid
from pathlib import Path
from typing import IO, Any, Callable, Dict, Iterable, List, Mapping, Optional, Union

from . import transport
from .errors import JobFailed, NetComputeError, Refused, Unreachable
from .learning import Model, fit_model
from .transport import Transport, segment

WAIT_SECONDS = 20.0  # Of one call that waits for the end of a job.
OVER = ("Succeeded", "Failed", "Cancelled")

Source = Union[str, "os.PathLike[str]", bytes, IO[bytes]]


class Job:
    """A job of a master. Its properties are asked for anew each time."""

    def __init__(self, client: "Client", job_id: int) -> None:
        self._client = client
        self.id = job_id

    def __repr__(self) -> str:
        return f"<Job {self.id} of {self._client.url}>"

    def document(self) -> Dict[str, Any]:
        """All that the master tells of it: state, tasks, progress, eta, params, error, …"""
        return self._client._transport.call("GET", f"/api/v1/jobs/{self.id}")

    @property
    def state(self) -> str:
        """"Queued", "Running", "Paused", "Succeeded", "Failed" or "Cancelled"."""
        return self.document()["state"]

    def wait(
        self,
        timeout: Optional[float] = None,
        on_progress: Optional[Callable[[Dict[str, Any]], None]] = None,
    ) -> "Job":
        """Returns when it is over, however it ended. `on_progress` is called with document(), once
        a second or when it ends. Raises TimeoutError after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        step = 1.0 if on_progress else WAIT_SECONDS
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            seconds = step if left is None else min(step, left)
            document = self._client._transport.call(
                "GET", f"/api/v1/jobs/{self.id}", query={"wait": f"{seconds:.3f}"}
            )
            if on_progress:
                on_progress(document)
            if document["state"] in OVER:
                return self
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"job {self.id} is not over after {timeout} s: {document['state']}")

    def result(self, timeout: Optional[float] = None) -> Dict[str, Any]:
        """Its result, once it is over. Raises JobFailed if it has none."""
        self.wait(timeout)
        document = self.document()
        if document["state"] != "Succeeded":
            error = document.get("error") or {}
            message = error.get("message", "it was cancelled and has no result")
            raise JobFailed(self.id, document["state"], message)
        return self._client._transport.call("GET", f"/api/v1/jobs/{self.id}/result")

    def files(self) -> List[Dict[str, str]]:
        """The files that it wrote: name, path, sha256."""
        return self._client._transport.call("GET", f"/api/v1/jobs/{self.id}/files")

    def read(self, name: str) -> bytes:
        """The bytes of one of them, checked against its hash."""
        into = io.BytesIO()
        self._fetch(name, into)
        return into.getvalue()

    def fetch(self, name: str, to: Union[str, "os.PathLike[str]", None] = None) -> Path:
        """Writes one of them to the file or folder `to` (without it: here, under its own name),
        whole or not at all, and says where it is."""
        known = self._file(name)
        target = Path(to) if to is not None else Path()
        if to is None or target.is_dir():
            target = target / Path(known["path"]).name
        partial = target.with_name(f".{target.name}.part")
        try:
            with open(partial, "wb") as file:
                self._fetch(name, file)
            partial.replace(target)
        finally:
            partial.unlink() if partial.exists() else None
        return target

    def receipt(self) -> Dict[str, Any]:
        """What `netcompute-master verify` takes."""
        return self._client._transport.call("GET", f"/api/v1/jobs/{self.id}/receipt")

    def cancel(self) -> None:
        self._client._transport.call("DELETE", f"/api/v1/jobs/{self.id}")

    def pause(self) -> None:
        self._client._transport.call("POST", f"/api/v1/jobs/{self.id}/pause")

    def resume(self) -> None:
        self._client._transport.call("POST", f"/api/v1/jobs/{self.id}/resume")

    def _file(self, name: str) -> Dict[str, str]:
        files = self.files()
        for file in files:
            if file["name"] == name:
                return file
        names = ", ".join(file["name"] for file in files) or "none"
        raise NetComputeError(f"job {self.id} wrote no file called {name!r}; it wrote: {names}")

    def _fetch(self, name: str, sink: IO[bytes]) -> None:
        wanted = self._file(name)["sha256"]
        path = f"/api/v1/jobs/{self.id}/files/{segment(name)}"
        for pause in [*transport.pauses(), None]:
            hashed = _HashingSink(sink)
            try:
                self._client._transport.fetch(path, hashed)  # type: ignore[arg-type]
                if hashed.hexdigest() == wanted:
                    return
                raise ConnectionError("other bytes came than the job wrote")
            except (OSError, http.client.HTTPException) as failure:
                if pause is None:
                    raise Unreachable(f"{self._client.url}: {name}: {failure}") from failure
                sink.seek(0)
                sink.truncate()
                time.sleep(pause)


class _HashingSink:
    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()

    def write(self, piece: bytes) -> int:
        self._hash.update(piece)
        return self._sink.write(piece)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


class Client:
    """A master at an address: `NETCOMPUTE_URL`, or this PC's port 5051, where none is given.
    `token` is the master's join_token, if it has one (`NETCOMPUTE_TOKEN`). `timeout` is for the
    seconds without a word from it. Threads may share one."""

    def __init__(
        self,
        url: Optional[str] = None,
        token: Optional[str] = None,
        timeout: float = 60.0,
    ) -> None:
        self._transport = Transport(
            url or transport.default_url(), token or transport.default_token(), timeout
        )

    @property
    def url(self) -> str:
        return self._transport.url

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    def cluster(self) -> Dict[str, Any]:
        """Totals: workers, slots, tasks a second, version."""
        return self._transport.call("GET", "/api/v1/cluster")

    def workers(self) -> List[Dict[str, Any]]:
        return self._transport.call("GET", "/api/v1/workers", query={"limit": 1000})

    def jobs(self, limit: int = 100, state: Optional[str] = None) -> List[Dict[str, Any]]:
        """The newest jobs, without params and result."""
        return self._transport.call("GET", "/api/v1/jobs", query={"limit": limit, "state": state})

    def job_types(self) -> List[Dict[str, Any]]:
        """What jobs there can be, and what each takes."""
        return self._transport.call("GET", "/api/v1/job_types")

    def job(self, job_id: int) -> Job:
        return Job(self, job_id)

    def submit(
        self,
        job_type: str,
        params: Optional[Mapping[str, Any]] = None,
        *,
        name: Optional[str] = None,
        priority: Optional[int] = None,
        validation: Any = None,
        after: Optional[Iterable[Union[Job, int]]] = None,
        deadline_seconds: Optional[float] = None,
    ) -> Job:
        """Submits a job; `GET /api/v1/job_types` says what params its type has. Raises Refused,
        which names what is wrong."""
        request: Dict[str, Any] = {"type": job_type, "params": dict(params or {})}
        jobs = None if after is None else [j.id if isinstance(j, Job) else j for j in after]
        more = {
            "name": name,
            "priority": priority,
            "validation": validation,
            "after": jobs,
            "deadline_seconds": deadline_seconds,
        }
        request.update({key: value for key, value in more.items() if value is not None})
        # The same key at each try: the master takes the job once, whatever became of its answer.
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return Job(self, self._transport.call("POST", "/api/v1/jobs", request, headers=headers)["id"])

    def run(self, job_type: str, **params: Any) -> Dict[str, Any]:
        """Submits a job and waits for its result."""
        return self.submit(job_type, params).result()

    def upload(self, source: Source, name: Optional[str] = None, *, replace: bool = False) -> str:
        """Sends a file, bytes, or an open binary file, and says how jobs name it
        ("Data/uploads/train.csv"). A connection that is lost is taken up where it broke off. Raises Refused where another file has that name,
        unless it may be replaced."""
        if isinstance(source, (str, os.PathLike)):
            with open(source, "rb") as file:
                return self._upload(file, name or Path(source).name, replace)
        if isinstance(source, bytes):
            source = io.BytesIO(source)
        if not name:
            raise ValueError("what is no file needs a name: upload(bytes, name='train.csv')")
        return self._upload(source, name, replace)

    def upload_once(self, data: bytes, name: str) -> str:
        """The same for bytes whose name tells them from all others: what is there is not sent."""
        try:
            known = self._transport.call("GET", f"/api/v1/files/{segment(name)}")
            if known["complete"] and known["bytes"] == len(data):
                return known["path"]
        except Refused:
            pass  # It is not there yet.
        return self.upload(data, name)

    def uploads(self) -> List[Dict[str, Any]]:
        """The files that were sent, and what has come of those that were cut off."""
        return self._transport.call("GET", "/api/v1/files")

    def erase_upload(self, name: str) -> None:
        self._transport.call("DELETE", f"/api/v1/files/{segment(name)}")

    def fit(self, features: Any, target: Any, algorithm: str = "logistic_regression", **params: Any) -> Model:
        """Trains on a table: rows as lists or dicts, a NumPy array, or a pandas DataFrame, and a
        target of each row. `params` are the algorithm's own (and `max_categories`, …)."""
        return fit_model(self, features, target, algorithm, params)

    def _upload(self, stream: IO[bytes], name: str, replace: bool) -> str:
        digest = hashlib.sha256()
        total = 0
        stream.seek(0)
        for piece in iter(lambda: stream.read(transport.PIECE_BYTES), b""):
            digest.update(piece)
            total += len(piece)
        query = {"sha256": digest.hexdigest(), "replace": "true" if replace else None}
        path = f"/api/v1/files/{segment(name)}"
        first = 0
        for pause in [*transport.pauses(), None]:
            try:
                return self._transport.send(path, query, stream, first, total)["path"]
            except (OSError, http.client.HTTPException) as failure:
                if pause is None:
                    raise self._transport._unreachable(failure) from failure
            except Refused as refused:
                # Bytes of the connection that was lost may still have come since.
                if refused.status != 409 or first == 0 or pause is None:
                    raise
            time.sleep(pause)
            first = self._come_so_far(path, total)
        raise AssertionError("not reached")

    def _come_so_far(self, path: str, total: int) -> int:
        try:
            upload = self._transport.call("GET", path)
        except Refused:
            return 0
        return 0 if upload["complete"] or upload["bytes"] >= total else upload["bytes"]


def show_progress(document: Mapping[str, Any]) -> None:
    """For Job.wait(on_progress=show_progress): one line on standard error, written over itself."""
    tasks = document["tasks"]
    eta = document.get("eta")
    text = f"job {document['id']}: {document['state']}, {tasks['done']} of {tasks['total']} tasks"
    if eta:
        text += f", about {eta:.0f} s left"
    end = "\n" if document["state"] in OVER else "\r"
    print(text.ljust(79), end=end, file=sys.stderr, flush=True)
