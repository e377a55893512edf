"""A filter and an order over metrics, as people put it to an MLflow server on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Row, Timing, in_turn, quicker, seconds
from question_bench import QuestionBench

AT_LEAST = 50
REPORTED = 0.49  # seconds, with 10,000 runs, on the machine and day that the bar was set


def rows(bench: QuestionBench) -> Iterator[Row]:
    place = bench.store(bench.sizes.runs)
    work = f"filter and order by metrics, {bench.sizes.runs:,} runs, 100 rows"
    if bench.mlflow is None:
        answer = bench.graven.call("ask", path=place, question="mlflow")
        yield Row(work, seconds(answer["wall"]), note=f"MLflow was seen to take {REPORTED} s")
        return
    database, mlflow = bench.place("mlflow.db"), bench.mlflow
    mlflow.call("fill", path=str(database), n=bench.sizes.runs)

    def ours(_: int) -> Timing:
        return bench.graven.call("ask", path=place, question="mlflow")

    def theirs(_: int) -> Timing:
        return mlflow.call("ask", path=str(database))

    def whole(_: int) -> Timing:
        return bench.graven.call("whole", path=place)

    first, read, second = in_turn(bench.sizes.repeats, ours, whole, theirs)
    if first["names"] != second["names"]:
        raise RuntimeError("graven and MLflow disagree about the answer")
    note = "against MLflow; the same runs in the same order"
    yield quicker(work, first, second, AT_LEAST, note=note)
    row = quicker(f"{work}, and the runs with all they hold", read, second, 1)
    row.bar, row.met, row.note = "", None, "against the same: MLflow's answer has them"
    yield row
    bench.remove(database)
