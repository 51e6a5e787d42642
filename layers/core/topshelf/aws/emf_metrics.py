"""Metrics and exposures as CloudWatch's Embedded Metric Format, one line a request."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

__all__ = ["EmfMetrics"]


class EmfMetrics:
    """Adapter of MetricSink: namespace ``topshelf``, dimensions ``service`` and ``slot`` only."""

    def __init__(self, service: str) -> None:
        """Builds the adapter.

        Args:
            service: The function's name, a metric dimension.
        """
        self._service = service

    def emit(
        self,
        slot: str,
        metrics: Mapping[str, tuple[str, float]],
        details: Mapping[str, Any],
    ) -> None:
        """See MetricSink."""
        line = EphemeralMetrics(namespace="topshelf", service=self._service)
        line.add_dimension("slot", slot)
        for name, (unit, value) in metrics.items():
            line.add_metric(name, MetricUnit(unit), value)
        for name, detail in details.items():
            line.add_metadata(name, detail)
        line.flush_metrics()
