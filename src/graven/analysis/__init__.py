"""Questions about runs as values: compare, check, trend. No store, no I/O, no clock.

Statistics over samples and histories come later; here a change is a difference of
the stored estimates against a threshold.
"""

from graven.analysis.check import CheckResult, Mistake, judge
from graven.analysis.compare import compare_runs
from graven.analysis.comparison import Comparison, DuplicateKey, Row, RunLabel, Verdict
from graven.analysis.thresholds import Thresholds, parse_threshold
from graven.analysis.trend import TrendSummary, sparkline, summarize_trend

__all__ = [
    "CheckResult",
    "Comparison",
    "DuplicateKey",
    "Mistake",
    "Row",
    "RunLabel",
    "Thresholds",
    "TrendSummary",
    "Verdict",
    "compare_runs",
    "judge",
    "parse_threshold",
    "sparkline",
    "summarize_trend",
]
