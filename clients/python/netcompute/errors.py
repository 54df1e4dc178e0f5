"""What can go wrong."""

from __future__ import annotations


class NetComputeError(Exception):
    """Anything that this package raises by itself."""


class Unreachable(NetComputeError):
    """No answer came from the master, also after several tries."""


class Refused(NetComputeError):
    """The master refused a call: `status` is HTTP's, `code` one word, and the text says why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class JobFailed(NetComputeError):
    """A job ended without a result. `state` is "Failed" or "Cancelled"."""

    def __init__(self, job_id: int, state: str, message: str) -> None:
        super().__init__(f"job {job_id}: {message}")
        self.job_id = job_id
        self.state = state
