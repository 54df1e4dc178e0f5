"""HTTP to one master: JSON in and out, retries where a call may be made twice."""

from __future__ import annotations

import http.client
import json
import os
import time
from typing import IO, Any, Dict, Iterator, Mapping, Optional
from urllib.parse import quote, urlencode, urlsplit

from .errors import Refused, Unreachable

TRIES = 5
FIRST_PAUSE_SECONDS = 0.25
PIECE_BYTES = 256 << 10


class Transport:
    """Makes calls, each on a connection of its own, so that threads may share one of these."""

    def __init__(self, url: str, token: Optional[str], timeout: float) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a master, like http://127.0.0.1:5051")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._parts = parts
        self._token = token
        self._timeout = timeout

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Any:
        """The answer's JSON. GET, and what has an Idempotency-Key, is tried again when the
        connection is lost; the master may have done what another call asked for."""
        data = None if body is None else json.dumps(body).encode()
        sent = {} if data is None else {"Content-Type": "application/json"}
        sent.update(headers or {})
        tries = TRIES if method == "GET" or "Idempotency-Key" in sent else 1
        for left in range(tries - 1, -1, -1):
            try:
                connection, answer = self._ask(method, path, query, data, sent)
                with connection:
                    return json.loads(answer.read())
            except (OSError, http.client.HTTPException) as failure:
                if left == 0:
                    raise self._unreachable(failure) from failure
                time.sleep(FIRST_PAUSE_SECONDS * 2 ** (tries - 1 - left))
        raise AssertionError("not reached")

    def send(self, path: str, query: Mapping[str, Any], stream: IO[bytes], first: int, total: int) -> Any:
        """PUTs what a file has from `first` on; the answer's JSON. Raises OSError where the
        connection is lost, so that the caller can go on from there."""
        stream.seek(first)
        headers = {"Content-Length": str(total - first), "Content-Type": "application/octet-stream"}
        if total > first:
            headers["Content-Range"] = f"bytes {first}-{total - 1}/{total}"
        pieces = iter(lambda: stream.read(PIECE_BYTES), b"")
        connection, answer = self._ask("PUT", path, query, pieces, headers)
        with connection:
            return json.loads(answer.read())

    def fetch(self, path: str, sink: IO[bytes]) -> None:
        """Writes an answer's bytes to `sink`. Raises OSError where some of them are missing."""
        connection, answer = self._ask("GET", path, None, None, {})
        with connection:
            announced = int(answer.headers.get("Content-Length", "0"))
            came = 0
            for piece in iter(lambda: answer.read(PIECE_BYTES), b""):
                sink.write(piece)
                came += len(piece)
            if came != announced:
                raise ConnectionError(f"{came} of {announced} bytes came")

    def _unreachable(self, failure: BaseException) -> Unreachable:
        return Unreachable(
            f"{self.url}: no answer ({failure}); is the master running, and is this its address?"
        )

    def _ask(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Any]],
        body: Any,
        headers: Dict[str, str],
    ) -> "tuple[_Closing, http.client.HTTPResponse]":
        https = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
        connection = kind(self._parts.hostname, self._parts.port, timeout=self._timeout)
        target = self._parts.path.rstrip("/") + path
        if query:
            target += "?" + urlencode({k: v for k, v in query.items() if v is not None})
        if self._token:
            headers = {**headers, "Authorization": f"Bearer {self._token}"}
        try:
            try:
                connection.request(method, target, body=body, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # It may have been refused before all of it was sent: then the answer is there.
            answer = connection.getresponse()
            if answer.status >= 400:
                raise refusal(answer.status, answer.read())
        except BaseException:
            connection.close()
            raise
        return _Closing(connection), answer


class _Closing:
    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def refusal(status: int, body: bytes) -> Refused:
    """An error of the master as an exception."""
    try:
        error = json.loads(body)["error"]
        return Refused(status, error["code"], error["message"])
    except (ValueError, KeyError, TypeError):
        return Refused(status, "unknown", body[:200].decode("utf-8", "replace") or f"HTTP {status}")


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


def pauses() -> Iterator[float]:
    """Seconds to wait before each further try."""
    pause = FIRST_PAUSE_SECONDS
    for _ in range(TRIES - 1):
        yield pause
        pause *= 2


def default_url() -> str:
    return os.environ.get("NETCOMPUTE_URL", "http://127.0.0.1:5051")


def default_token() -> Optional[str]:
    return os.environ.get("NETCOMPUTE_TOKEN")
