"""Questions about runs as values: compare, check, trend. No store, no I/O, no clock.

numpy is loaded only where there are samples or a history to look at.
"""

from graven.analysis.check import CheckResult, Mistake, judge
from graven.analysis.compare import compare_runs
from graven.analysis.comparison import (
    Comparison,
    DuplicateKey,
    Effect,
    JudgedBy,
    Row,
    RunLabel,
    Verdict,
)
from graven.analysis.history import History, PastRun, Usual
from graven.analysis.replay import Alarms, Side, replay
from graven.analysis.thresholds import Thresholds, Ways, parse_threshold
from graven.analysis.trend import TrendSummary, sparkline, summarize_trend

__all__ = [
    "Alarms",
    "CheckResult",
    "Comparison",
    "DuplicateKey",
    "Effect",
    "History",
    "JudgedBy",
    "Mistake",
    "PastRun",
    "Row",
    "RunLabel",
    "Side",
    "Thresholds",
    "TrendSummary",
    "Usual",
    "Verdict",
    "Ways",
    "compare_runs",
    "judge",
    "parse_threshold",
    "replay",
    "sparkline",
    "summarize_trend",
]
