"""One local Stripe and one webhook endpoint for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.devtools.local_stripe.harness import Receiver, Server, running


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def server(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("stripe"), receiver.url) as server:
        yield server


@pytest.fixture
def calm(server: Server) -> Iterator[Server]:
    """The server, with nothing left afterwards of what the test told it to do."""
    yield server
    server.reset()
