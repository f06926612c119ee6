"""`python -m devtools.local_stripe`: run the local Stripe server until it is told to stop."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from .server import Options, build


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s local-stripe %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    web.run_app(
        build(options),
        host=options.host,
        port=options.port,
        print=lambda _: print(f"Local Stripe: {options.public_url} (test mode)", flush=True),
        shutdown_timeout=1,
        access_log=None,
    )


def parse(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m devtools.local_stripe", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument(
        "--data-dir", type=Path, required=True, help="where the state is kept between runs"
    )
    parser.add_argument(
        "--webhook-url", help="where events are posted; without it they are only recorded"
    )
    parser.add_argument(
        "--webhook-secret", default="whsec_local", help="what deliveries are signed with"
    )
    parser.add_argument(
        "--public-url", help="what the buyer's browser calls this server, if not http://HOST:PORT"
    )
    given = parser.parse_args(arguments)
    return Options(
        host=given.host,
        port=given.port,
        data_dir=given.data_dir,
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        public_url=(given.public_url or f"http://{given.host}:{given.port}").rstrip("/"),
    )


if __name__ == "__main__":
    main()
