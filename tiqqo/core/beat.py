"""Beat: sends what is scheduled, and is not upset by a broker that is away."""

import logging
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry, SchedulingError

from tiqqo.core.neighbours import NeighbourUnavailable
from tiqqo.core.tasks import broker

logger = logging.getLogger(__name__)


class Scheduler(PersistentScheduler):  # type: ignore[misc]
    """What cannot be sent is named in one line and sent the next time it is due. The broker is left alone
    for some seconds then, so that what comes next is not late for waiting in turn."""

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        try:
            broker.check()
            self.apply_async(entry, producer=producer, advance=False)
        except NeighbourUnavailable:
            return
        except SchedulingError as error:
            broker.failed()
            logger.warning("broker.unavailable", extra={"task": entry.task, "why": str(error)})
            return
        broker.worked()
