"""The training job's own process, killed where nothing can be cleaned up, and started again."""

import gzip
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.unit.test_training_job import viewing
from topshelf.aws.model_bucket import ModelBucket
from topshelf.events import encode_line
from topshelf.manifest import MANIFEST_NAME, Manifest, parse_manifest

HOPS = {"connection", "expect", "transfer-encoding", "server", "date", "content-length"}


class Killer:
    """Passes calls on to the emulator, and kills a process once its checkpoint is written.

    The process is killed before it hears so: at the same place of its work in every run.

    Attributes:
        at: The checkpoint of a process after which it is killed; 0 for never.
        process: To kill.
        written: Checkpoints that the process has written.
    """

    def __init__(self, endpoint_url: str) -> None:
        self.at = self.written = 0
        self.process: subprocess.Popen[bytes] | None = None
        killer, target = self, urlsplit(endpoint_url)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                onward = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in HOPS}
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                content = answer.read()
                if self.command == "PUT" and "/checkpoints/" in self.path:
                    killer.count()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOPS:
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") or str(len(content))
                self.send_header("Content-Length", length)
                try:
                    self.end_headers()
                    self.wfile.write(content)
                except ConnectionError:
                    self.close_connection = True  # it was killed
                onward.close()

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"

    def count(self) -> None:
        self.written += 1
        if self.written == self.at and self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


@pytest.fixture
def killer(emulator: str) -> Iterator[Killer]:
    made = Killer(emulator)
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


class Lake:
    """A bucket with events, and the jobs that train on it."""

    def __init__(self, client: Any, name: str, killer: Killer) -> None:
        self.s3, self.name, self.killer = client("s3"), name, killer
        self.s3.create_bucket(Bucket=name)
        client("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        body = gzip.compress(b"".join(map(encode_line, viewing())))
        self.s3.put_object(Bucket=name, Key="events/dt=2026-01-01/a.jsonl.gz", Body=body)

    def train(self, *, killed_at: int = 0) -> str:
        """Runs the job; returns what it printed, or an empty text if it was killed."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "AWS_ENDPOINT_URL": self.killer.url,
            "AWS_REGION": "us-east-1",
            "TOPSHELF_BUCKET": self.name,
            "TOPSHELF_REGISTRY_TABLE": self.name,
        }
        self.killer.at, self.killer.written = killed_at, 0
        with subprocess.Popen(
            [sys.executable, "-m", "training.job"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as job:
            self.killer.process = job
            said, failed = job.communicate(timeout=200)
        assert job.returncode == (-signal.SIGKILL if killed_at else 0), failed.decode()
        return said.decode()

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def manifest(self) -> Manifest:
        (key,) = (key for key in self.keys("models/") if key.endswith(MANIFEST_NAME))
        version = key.split("/")[1]
        return parse_manifest(
            ModelBucket(self.s3, bucket=self.name).read(version, MANIFEST_NAME), version
        )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_killed_twice_writes_the_bytes_of_one_that_was_not(
    client: Any, killer: Killer
) -> None:
    whole, cut = Lake(client, "undisturbed", killer), Lake(client, "killed", killer)
    whole.train()
    in_all = killer.written

    # Amid the training for the evaluation, and amid the one for the model.
    cut.train(killed_at=2)
    assert len(cut.keys("checkpoints/")) == 1
    left = in_all - 2
    cut.train(killed_at=left - 2)
    assert cut.keys("models/") == []
    cut.train()
    assert killer.written == 2

    assert cut.manifest().files == whole.manifest().files
    assert cut.keys("checkpoints/") == []
