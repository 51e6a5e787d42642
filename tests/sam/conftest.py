"""An engine, images, the local cloud, and sam: once for all that is tested in containers."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from rich.console import Console
from rich.table import Table

from infra.containers.engine import engine
from infra.containers.images import Source, python_image, runtime_image
from infra.containers.training import Built, build_training
from infra.containers.way_in import network, way_in
from tests.conftest import ROOT
from tests.sam.code_deploy import CodeDeploy
from tests.sam.local import BUILD, SAM, SamLocal
from tests.sam.released import Released, released

LOCAL_PORTS = {"cloud": 4566, "lambda": 3001, "codedeploy": 4567}
"""Where containers find the parts of the local cloud; see infra/images/local/aws-config."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-sam` says."""
    parser.addoption("--images", choices=[str(source) for source in Source], default=None)
    parser.addoption("--mirror", default="")


@dataclass(slots=True)
class Figures:
    """What was measured, for people: printed at the end."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, what: str, figure: str) -> None:
        self.rows.append((what, figure))


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """Takes figures, and prints them at the end."""
    taken = Figures()
    yield taken
    table = Table(title="In containers", title_justify="left")
    table.add_column("")
    table.add_column("")
    for row in taken.rows:
        table.add_row(*row)
    Console(width=110).print(table)


@pytest.fixture(scope="session", autouse=True)
def source(request: pytest.FixtureRequest) -> Source:
    """Where images come from; nothing here runs but by `make test-sam`."""
    said = request.config.getoption("--images", None)
    if said is None:
        pytest.skip("needs containers; `make test-sam` makes and tests them")
    for path in (SAM, BUILD / "template.yaml", ROOT / ".build" / "runtime" / ".ready"):
        assert path.exists(), f"no {path.relative_to(ROOT)}; `make test-sam` makes it"
    return Source(said)


@pytest.fixture(scope="session")
def docker(source: Source) -> Iterator[str]:
    """The engine; its version."""
    with engine(ROOT / ".build" / "dockerd.log") as version:
        yield version


@pytest.fixture(scope="session")
def python(docker: str, source: Source, request: pytest.FixtureRequest) -> str:
    """The image with Python."""
    return python_image(source, request.config.getoption("--mirror") or None)


@pytest.fixture(scope="session")
def training_image(python: str, source: Source, figures: Figures) -> Built:
    """The training image, built."""
    built = build_training(source)
    figures.add(f"training image {built.name}", f"{built.size / 2**20:.0f} MiB")
    return built


@pytest.fixture(scope="session")
def platform(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """The local cloud with a live model."""
    with released(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture(scope="session")
def code_deploy(source: Source) -> Iterator[CodeDeploy]:
    """What hooks report to."""
    with CodeDeploy() as running:
        yield running


@pytest.fixture(scope="session")
def ports(platform: Released, code_deploy: CodeDeploy) -> dict[int, int]:
    """Ports of the local cloud by those that containers know."""
    options = platform.platform.cloud.options
    return {
        LOCAL_PORTS["cloud"]: options.cloud_port,
        LOCAL_PORTS["lambda"]: options.lambda_port,
        LOCAL_PORTS["codedeploy"]: code_deploy.port,
    }


@pytest.fixture(scope="session")
def sam_local(
    python: str,
    source: Source,
    ports: dict[int, int],
    platform: Released,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SamLocal]:
    """sam local, with functions that reach the local cloud."""
    image = runtime_image(source, python)
    cloud = platform.platform.cloud.endpoint_url
    with network() as joined, way_in(python, ports, joined):
        yield SamLocal(image, joined, tmp_path_factory.mktemp("sam"), cloud)


@pytest.fixture(scope="session")
def variables(platform: Released) -> dict[str, dict[str, str]]:
    """The variables of each function, by logical id."""
    return platform.variables()
