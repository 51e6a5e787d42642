"""The local cloud where something goes wrong: told in one line, and nothing is left behind."""

import os
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud
from infra.local.process_id import ProcessId, children_of
from tests.builders.local_cloud import REAL, SMALL, call, eventually, options
from topshelf.errors import TopshelfError, UnavailableError


def workers() -> set[ProcessId]:
    own = ProcessId.of(os.getpid())
    assert own is not None
    return {child.process for child in children_of(own) if "infra.local.worker" in child.command}


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with LocalCloud(options(SMALL, tmp_path)) as cloud:
        cloud.start()
        assert call(cloud, "GET", "/v1/x")[0] == 200
        killed = workers()
        assert killed
        for worker in killed:
            os.kill(worker.pid, signal.SIGKILL)
        eventually(lambda: not any(worker.alive() for worker in killed))
        assert call(cloud, "GET", "/v1/x")[0] == 200
        assert cloud.failure() is None


def test_a_full_disk_is_one_line_that_names_the_folder(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "topshelf-web.log").symlink_to("/dev/full")
    with LocalCloud(options(SMALL, tmp_path)) as cloud:
        cloud.start()
        # It is told, and what was asked for is done all the same.
        assert call(cloud, "GET", "/v1/log")[0] == 200
        line = eventually(cloud.failure)
        assert f"cannot write to {logs} (No space left on device)" in line
        assert "\n" not in line


def test_a_log_that_cannot_be_opened_is_one_line_and_leaves_no_worker(tmp_path: Path) -> None:
    (tmp_path / "logs" / "topshelf-web.log").mkdir(parents=True)
    before = workers()
    with LocalCloud(options(SMALL, tmp_path)) as cloud:
        cloud.start()
        assert call(cloud, "GET", "/v1/x")[0] >= 500
        assert f"cannot write to {tmp_path}/logs (Is a directory)" in eventually(cloud.failure)
        # Gone while the cloud still runs, not with it.
        eventually(lambda: not workers() - before)


def test_a_folder_for_logs_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(UnavailableError, match=f"cannot write to {tmp_path}/logs"):
        LocalCloud(options(REAL, tmp_path)).start()


def test_a_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    wanted = options(REAL, tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", wanted.lambda_port))
        other.listen()
        cloud = LocalCloud(wanted)
        with pytest.raises(UnavailableError, match=rf"port {wanted.lambda_port}.*--lambda-port"):
            cloud.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", wanted.api_port))


def test_without_a_localstack_there_is_advice(tmp_path: Path) -> None:
    wanted = replace(options(REAL, tmp_path), emulator="localstack")
    with pytest.raises(UnavailableError, match="localstack start"):
        LocalCloud(wanted).start()


def test_what_it_cannot_create_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Broker: {Type: 'AWS::AmazonMQ::Broker'}}")
    cloud = LocalCloud(options(template, tmp_path))
    with pytest.raises(TopshelfError, match=r"cannot create Broker \(AWS::AmazonMQ::Broker\)"):
        cloud.start()
    with socket.socket() as probe:
        # Connections that were just closed do not count, somebody who listens does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", cloud.options.cloud_port))


def test_a_dead_emulator_is_told_in_one_line(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Queue: {Type: 'AWS::SQS::Queue'}}")
    with LocalCloud(options(template, tmp_path)) as cloud:
        cloud.start()
        assert cloud.failure() is None
        process = getattr(cloud._emulator, "_process")  # noqa: B009
        os.kill(process.pid, signal.SIGKILL)
        line = eventually(cloud.failure)
        assert "the emulated AWS ended" in line
        assert "\n" not in line
