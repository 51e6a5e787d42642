"""Removing what was made here: by label, never by what else an engine holds."""

from typing import Final

from infra.containers.running import lines_of, run
from infra.containers.way_in import LABEL
from topshelf.errors import UnavailableError

__all__ = ["clean", "remove_containers"]

_LAMBDA: Final = "sam.cli.container.type=lambda"
_SAM_IMAGES: Final = ("samcli/lambda-python", "topshelf/lambda-local")


def remove_containers(network: str) -> int:
    """Removes the containers of sam that joined a network of ours.

    Args:
        network: Its name.

    Returns:
        How many there were.
    """
    return _remove_containers(f"network={network}", f"label={_LAMBDA}")


def clean() -> list[str]:
    """Removes every container, network and image that was made here, sam's own among them.

    Returns:
        A line about each kind.
    """
    containers = _remove_containers(f"label={LABEL}")
    networks = lines_of(run(["docker", "network", "ls", "-q", "--filter", f"label={LABEL}"]))
    for name in networks:
        run(["docker", "network", "rm", name])
    images = left = _images()
    while left:
        try:
            run(["docker", "image", "rm", "--force", *sorted(left)])
        except UnavailableError:
            # One that another is made from goes after it: in a later round, if this one got on.
            before, left = left, _images()
            if len(left) == len(before):
                raise
        else:
            break
    return [f"containers: {containers}", f"networks: {len(networks)}", f"images: {len(images)}"]


def _images() -> set[str]:
    references = (f"reference={name}" for name in _SAM_IMAGES)
    return {
        image
        for wanted in (f"label={LABEL}", *references)
        for image in lines_of(run(["docker", "image", "ls", "-q", "--filter", wanted]))
    }


def _remove_containers(*filters: str) -> int:
    told = [part for wanted in filters for part in ("--filter", wanted)]
    found = lines_of(run(["docker", "ps", "--all", "--quiet", *told]))
    if found:
        run(["docker", "rm", "--force", "--volumes", *found])
    return len(found)
