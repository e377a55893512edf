"""Two clients of one bucket: a fast one, and a whole one for what the fast one cannot do."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from graven.backends.base import Data, Entry
from graven.backends.driver import About, Driver, Fetched
from graven.backends.interruptible import interruptible
from graven.backends.perprocess import PerProcess
from graven.backends.s3.obstore_driver import ObstoreDriver, Unfit

T = TypeVar("T")


class FastDriver(Driver):
    """Sends through obstore, and through another driver what obstore is unfit for.

    Args:
        fast: the driver that is asked first.
        make_whole: makes the other one, which knows everything; None if there is none.
        explain: the error for a call that needed it then.
    """

    def __init__(
        self,
        fast: ObstoreDriver,
        make_whole: Callable[[], Driver] | None,
        explain: Callable[[], Exception],
    ) -> None:
        self.url = fast.url
        self.place = fast.place
        self.capabilities = replace(fast.capabilities, swap_delete=make_whole is not None)
        self._fast = fast
        self._whole = PerProcess(make_whole) if make_whole else None
        self._explain = explain

    def get(self, key: str) -> Fetched:
        """See `Driver.get`."""
        return self._ask(lambda driver: driver.get(key))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Driver.get_range`."""
        return self._ask(lambda driver: driver.get_range(key, start, length))

    def get_tail(self, key: str, length: int) -> Fetched:
        """See `Driver.get_tail`."""
        return self._ask(lambda driver: driver.get_tail(key, length))

    def put(self, key: str, data: Data) -> str:
        """See `Driver.put`."""
        return self._ask(lambda driver: driver.put(key, data))

    def put_if_absent(self, key: str, data: Data) -> str:
        """See `Driver.put_if_absent`."""
        return self._ask(lambda driver: driver.put_if_absent(key, data))

    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """See `Driver.put_if_version`."""
        return self._ask(lambda driver: driver.put_if_version(key, data, version))

    def delete(self, key: str) -> None:
        """See `Driver.delete`."""
        self._ask(lambda driver: driver.delete(key))

    def delete_if_version(self, key: str, version: str) -> None:
        """See `Driver.delete_if_version`."""
        self._ask(lambda driver: driver.delete_if_version(key, version))

    def head(self, key: str) -> Entry:
        """See `Driver.head`."""
        return self._ask(lambda driver: driver.head(key))

    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """See `Driver.list`."""

        def whole(driver: Driver) -> builtins.list[Entry]:
            return [*driver.list(prefix, after=after, deep=deep)]

        return iter(self._ask(whole))

    def heard_ms(self) -> int | None:
        """See `Driver.heard_ms`."""
        return self._fast.heard_ms()

    def now_ms(self) -> int:
        """See `Driver.now_ms`."""
        return self._ask(lambda driver: driver.now_ms())

    def about(self) -> About:
        """See `Driver.about`."""
        return self._fast.about()

    def keeps_versions(self) -> bool | None:
        """See `Driver.keeps_versions`."""
        return self._whole.get().keeps_versions() if self._whole else None

    def close(self) -> None:
        """See `Driver.close`."""
        self._fast.close()
        whole = self._whole.take() if self._whole else None
        if whole:
            whole.close()

    def _ask(self, send: Callable[[Driver], T]) -> T:
        try:
            return interruptible(lambda: send(self._fast))
        except Unfit as error:
            if self._whole is None:
                raise self._explain() from error
        return send(self._whole.get())
