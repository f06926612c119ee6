"""An event loop in a thread of its own: proxies, mail sink and visitors live there."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

Result = TypeVar("Result")


class Background:
    """The loop runs between start and stop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="background", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    def call(self, coroutine: Coroutine[Any, Any, Result], *, timeout: float = 60.0) -> Result:
        """The coroutine's result; whatever it raises is raised here."""
        return self.start(coroutine).result(timeout)

    def start(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        """The coroutine runs; its result can be waited for."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
