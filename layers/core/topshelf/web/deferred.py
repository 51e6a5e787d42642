"""Importing FastAPI without building what no function in Lambda uses.

FastAPI describes OpenAPI's documents by some sixty pydantic models, and pydantic builds a
validator for each when its class is made: a fifth of a cold start. The documents of these APIs are
files, so the models are put off until somebody uses one (pydantic's ``defer_build``:
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build), which
``make openapi`` does.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["import_fastapi"]


def import_fastapi() -> None:
    """Imports FastAPI; each of its own models is built with its first use."""
    rebuild, config = BaseModel.__dict__["model_rebuild"], BaseModel.model_config

    def put_off(model: type[BaseModel], /, **options: Any) -> bool | None:
        # FastAPI completes three models in advance; pydantic itself, on a first use, says how.
        return rebuild.__func__(model, **options) if options else None

    # Every model inherits the configuration.
    BaseModel.model_config = ConfigDict(defer_build=True)
    BaseModel.model_rebuild = classmethod(put_off)  # type: ignore[assignment, method-assign]
    try:
        import fastapi  # noqa: F401, PLC0415
    finally:
        BaseModel.model_config = config
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]
