"""The client against the master at NETCOMPUTE_URL; tests/integration starts one."""

import http.server
import io
import os
import tempfile
import threading
import unittest
from pathlib import Path

from netcompute import Client, JobFailed, NetComputeError, Refused, Unreachable
from netcompute import transport


class Jobs(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client()

    def test_a_job_gives_the_same_result_as_before(self) -> None:
        first = self.client.run("monte_carlo_pi", samples=100_000, seed=7)
        second = self.client.run("monte_carlo_pi", samples=100_000, seed=7)
        self.assertEqual(first, second)
        self.assertAlmostEqual(first["estimate"], 3.14, delta=0.05)

    def test_a_refusal_names_what_is_wrong(self) -> None:
        with self.assertRaisesRegex(Refused, r"params\.samples") as caught:
            self.client.submit("monte_carlo_pi", {"samples": -1})
        self.assertEqual(caught.exception.status, 400)
        with self.assertRaisesRegex(Refused, "999999"):
            self.client.job(999999).document()

    def test_a_job_without_a_result_says_why(self) -> None:
        job = self.client.submit("train", {"data": "Data/train.csv", "target": "Fate"})
        with self.assertRaisesRegex(JobFailed, "Fate") as caught:
            job.result()
        self.assertEqual(caught.exception.state, "Failed")
        paused = self.client.submit("monte_carlo_pi", {"samples": 10**13}, priority=-5)
        paused.pause()
        self.assertEqual(paused.state, "Paused")
        with self.assertRaises(TimeoutError):
            paused.wait(timeout=0.05)
        paused.cancel()
        with self.assertRaisesRegex(JobFailed, "cancelled"):
            paused.result()

    def test_jobs_follow_jobs_and_are_listed(self) -> None:
        first = self.client.submit("noop", {"task_count": 3}, name="first")
        second = self.client.submit("noop", {"task_count": 3}, after=[first])
        seen = []
        self.assertEqual(second.wait(on_progress=seen.append).state, "Succeeded")
        self.assertEqual(seen[-1]["state"], "Succeeded")
        ids = [job["id"] for job in self.client.jobs()]
        self.assertIn(first.id, ids)
        self.assertIn("netcompute", str(self.client.job(first.id).receipt()).lower())
        self.assertGreater(self.client.cluster()["slots"], 0)
        self.assertEqual(len(self.client.workers()), 1)
        self.assertIn("train", [each["name"] for each in self.client.job_types()])


class Files(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client()

    def test_what_was_sent_is_there_and_sent_again_changes_nothing(self) -> None:
        path = self.client.upload(b"a,b\n1,2\n", "some table.csv")
        self.assertEqual(path, "Data/uploads/some table.csv")
        self.assertEqual(self.client.upload(io.BytesIO(b"a,b\n1,2\n"), "some table.csv"), path)
        with self.assertRaisesRegex(Refused, "other bytes"):
            self.client.upload(b"other", "some table.csv")
        self.client.upload(b"other", "some table.csv", replace=True)
        self.assertIn(
            {"name": "some table.csv", "path": path, "bytes": 5, "complete": True},
            self.client.uploads(),
        )
        self.client.upload(b"", "nothing")
        self.client.erase_upload("nothing")
        with self.assertRaises(ValueError):
            self.client.upload(b"x")

    def test_a_lost_connection_is_taken_up_where_it_broke_off(self) -> None:
        whole = os.urandom(1 << 20)
        starts = []
        send = self.client._transport.send

        def lose_the_first(path, query, stream, first, total):  # type: ignore[no-untyped-def]
            starts.append(first)
            if len(starts) > 1:
                return send(path, query, stream, first, total)
            # As if the connection had been lost after half of it.
            part = io.BytesIO(whole[: 1 << 19])
            headers = {"Content-Range": f"bytes 0-{(1 << 19) - 1}/{total}"}
            connection, answer = self.client._transport._ask("PUT", path, {}, part, headers)
            with connection:
                self.assertEqual(answer.status, 202)
            raise ConnectionResetError("lost")

        self.client._transport.send = lose_the_first  # type: ignore[method-assign]
        self.assertEqual(self.client.upload(whole, "rest.bin"), "Data/uploads/rest.bin")
        self.assertEqual(starts, [0, 1 << 19])

    def test_files_of_a_job_are_fetched_whole(self) -> None:
        job = self.client.submit("train", {"model": "Data/fetched.json", "output": "Data/fetched.csv"})
        job.result()
        self.assertEqual({each["name"] for each in job.files()}, {"model", "submission"})
        with tempfile.TemporaryDirectory() as folder:
            where = job.fetch("submission", folder)
            self.assertEqual(where, Path(folder) / "fetched.csv")
            self.assertEqual(where.read_bytes(), job.read("submission"))
            self.assertEqual(os.listdir(folder), ["fetched.csv"])
        with self.assertRaisesRegex(NetComputeError, "it wrote: model, submission"):
            job.fetch("nothing")


class Learning(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client()

    def test_dicts_with_gaps_are_learned(self) -> None:
        rows = [{"age": i % 50, "town": "York" if i % 3 else None} for i in range(200)]
        target = ["old" if row["age"] > 25 else "young" for row in rows]
        model = self.client.fit(rows, target)
        self.assertGreater(model.metrics["accuracy"], 0.95)
        self.assertEqual(model.predict([{"age": 49, "town": None}]), ["old"])
        shares = model.predict_proba(rows[:3])
        for row in shares:
            self.assertAlmostEqual(sum(row), 1.0, places=9)

    def test_numbers_are_predicted_as_numbers(self) -> None:
        rows = [[float(i), float(i % 7)] for i in range(100)]
        model = self.client.fit(rows, [2 * a - b + 0.5 for a, b in rows], "linear_regression")
        predicted = model.predict([[10.0, 3.0]])
        self.assertAlmostEqual(predicted[0], 17.5, places=6)
        with self.assertRaises(ValueError):
            model.predict_proba([[10.0, 3.0]])

    def test_what_does_not_fit_is_told_before_it_is_sent(self) -> None:
        with self.assertRaisesRegex(ValueError, "2 rows and 1 targets"):
            self.client.fit([[1], [2]], ["a"])
        with self.assertRaisesRegex(ValueError, "different numbers"):
            self.client.fit([[1], [2, 3]], ["a", "b"])


class Faults(unittest.TestCase):
    def setUp(self) -> None:
        self.pause, transport.FIRST_PAUSE_SECONDS = transport.FIRST_PAUSE_SECONDS, 0.001

    def tearDown(self) -> None:
        transport.FIRST_PAUSE_SECONDS = self.pause

    def test_nobody_there_is_told(self) -> None:
        with self.assertRaisesRegex(Unreachable, "is the master running"):
            Client("http://127.0.0.1:1").cluster()
        with self.assertRaises(ValueError):
            Client("ftp://x")

    def test_a_call_that_only_reads_is_tried_again(self) -> None:
        calls = []

        class Rude(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                calls.append(self.path)
                if len(calls) < 3:
                    self.connection.close()
                    return
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"slots": 4}')

            def do_POST(self) -> None:
                calls.append(self.headers["Idempotency-Key"])
                self.connection.close()

            do_DELETE = do_POST

            def log_message(self, *_: object) -> None:
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Rude) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            client = Client(f"http://127.0.0.1:{server.server_port}")
            self.assertEqual(client.cluster()["slots"], 4)
            calls.clear()
            with self.assertRaises(Unreachable):
                client.submit("noop")
            # The same key each time, and one that no other job has.
            self.assertEqual(len(calls), transport.TRIES)
            self.assertEqual(len(set(calls)), 1)
            calls.append(calls[0])
            with self.assertRaises(Unreachable):
                client.submit("noop")
            self.assertEqual(len(set(calls)), 2)
            calls.clear()
            with self.assertRaises(Unreachable):
                client.job(1).cancel()
            server.shutdown()


if __name__ == "__main__":
    unittest.main()
