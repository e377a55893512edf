"""Runs as a results folder of asv (airspeed velocity), docs/export-asv.md.

`export_asv` is the whole public face; the other modules each hold one step of it.
"""

from graven.export.asv.exporter import export_asv
from graven.export.asv.report import AsvExport, Loss
from graven.export.asv.source import RunSource

__all__ = ["AsvExport", "Loss", "RunSource", "export_asv"]
