"""Jobs on the PCs of a NetCompute master.

    from netcompute import Client

    client = Client("http://127.0.0.1:5051")
    pi = client.run("monte_carlo_pi", samples=10**9)
    print(pi["estimate"])

It needs Python's standard library alone. Where NumPy or pandas are there, `fit` and `predict` take
and give their types too.
"""

from .client import Client, Job
from .errors import JobFailed, NetComputeError, Refused, Unreachable
from .learning import Model

__all__ = ["Client", "Job", "JobFailed", "Model", "NetComputeError", "Refused", "Unreachable"]
__version__ = "0.1.0"
