"""The numbers of made-up backtests, the same for graven and its peer; standard library alone."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

# The 55 numbers in which investing-algorithm-framework sums a backtest up.
METRICS = (
    "total_net_gain",
    "total_net_gain_percentage",
    "total_growth",
    "total_growth_percentage",
    "total_loss",
    "total_loss_percentage",
    "average_net_gain",
    "average_net_gain_percentage",
    "average_growth",
    "average_growth_percentage",
    "average_loss",
    "average_loss_percentage",
    "average_trade_return",
    "average_trade_return_percentage",
    "average_trade_loss",
    "average_trade_loss_percentage",
    "average_trade_gain",
    "average_trade_gain_percentage",
    "cagr",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "profit_factor",
    "annual_volatility",
    "max_drawdown",
    "max_drawdown_duration",
    "trades_per_year",
    "trades_per_month",
    "trades_per_week",
    "win_rate",
    "current_win_rate",
    "win_loss_ratio",
    "current_win_loss_ratio",
    "number_of_trades",
    "number_of_trades_closed",
    "cumulative_exposure",
    "exposure_ratio",
    "number_of_windows",
    "number_of_profitable_windows",
    "number_of_windows_with_trades",
    "var_95",
    "cvar_95",
    "average_trade_duration",
    "average_win_duration",
    "average_loss_duration",
    "max_consecutive_wins",
    "max_consecutive_losses",
    "return_consistency",
    "win_rate_consistency",
    "sharpe_consistency",
    "consistency_score",
    "return_stability",
    "win_rate_stability",
    "sharpe_stability",
    "stability_score",
)
LOWER = {"max_drawdown", "annual_volatility", "max_drawdown_duration", "total_loss"}
WEIGHTS = {name: 1.0 + place % 5 for place, name in enumerate(METRICS)}
BEST_BY = "sharpe_ratio"
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


def name_of(number: int) -> str:
    """The id of a backtest, the same on both sides."""
    return f"backtest-{number:06d}"


def numbers_of(number: int) -> dict[str, float]:
    """Its 55 numbers."""
    draw = random.Random(number)
    return {name: draw.gauss(1.0, 0.4) for name in METRICS}


def snapshots_of(number: int, count: int) -> list[tuple[datetime, float, float]]:
    """Its hourly snapshots: when, the value of the portfolio, and what of it is cash."""
    draw = random.Random(f"snapshots {number}")
    value, found = 1000.0, []
    for hour in range(count):
        value *= 1 + draw.gauss(0, 0.002)
        found.append((BEGIN + timedelta(hours=hour), round(value, 2), round(value / 2, 2)))
    return found
