"""Which stages of the Jenkinsfile are run: all of them, or those between two."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--from-stage", default="", help="The first stage of the Jenkinsfile to run")
    parser.addoption("--to-stage", default="", help="The last one")
