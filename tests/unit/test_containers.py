"""What containers need of the machine: Debian's mirror, packages, other programs."""

import os
import sys

import pytest

from infra.containers import debian
from infra.containers.debian import install, mirror_of
from infra.containers.running import run
from topshelf.errors import UnavailableError


def test_the_mirror_is_debians_own_and_no_security_or_foreign_one() -> None:
    targets = [
        "Debian|Debian-Security|http://one.test/debian-security/",
        "Google Inc.|gcsfuse-stable, a name|http://two.test/apt/",
        "Debian Backports|Debian Backports|http://three.test/debian/",
        "Debian|Debian|http://four.test/debian/",
        "Debian|Debian|http://five.test/debian/",
    ]
    assert mirror_of(targets) == "http://four.test/debian/"
    with pytest.raises(UnavailableError, match=r"MIRROR=.*IMAGES=real"):
        mirror_of(["Ubuntu|Ubuntu|http://six.test/ubuntu/"])


def test_what_is_there_is_not_installed_again() -> None:
    assert install({"sh": "dash"}) == []


def test_who_is_not_root_is_told_what_root_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    wanted = {"sh": "dash", "no-such-program": "no-such-package"}
    with pytest.raises(UnavailableError, match=r"as root, run `apt-get install .*no-such-package`"):
        install(wanted)


def test_without_apt_root_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "search_path", lambda: "/nowhere")
    with pytest.raises(UnavailableError, match="no apt-get"):
        install({"no-such-program": "no-such-package"})


def test_a_program_that_fails_shows_its_last_lines() -> None:
    program = "import sys; [print(n) for n in range(100)]; sys.exit('it broke')"
    with pytest.raises(UnavailableError, match=r"failed \(1\):") as caught:
        run([sys.executable, "-c", program])
    lines = str(caught.value).splitlines()
    assert (lines[1], lines[-2:]) == ("86", ["99", "it broke"])


def test_a_program_that_takes_too_long_or_is_not_there_says_so() -> None:
    with pytest.raises(UnavailableError, match="not done after 0 s"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.2)
    with pytest.raises(UnavailableError, match="no-such-program is not installed"):
        run(["no-such-program"])
