"""serve: everything on one machine: pages, action API, block-list feed, and the worker behind them."""

import logging
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click
import uvicorn
from fastapi import FastAPI

from playbook.assembly import action_context
from playbook.cases import queries, schedules
from playbook.cases.access import open_case_store
from playbook.cases.schedules import ScheduledJob
from playbook.cases.store import Store
from playbook.cli._options import config_option, configuration, now
from playbook.config import Config
from playbook.errors import PlaybookError
from playbook.web.app import build
from playbook.web.dependencies import Dependencies, not_restored
from playbook.web.first_admin import first_admin, first_password_file
from playbook.web.listening import LOOPBACK, may_listen
from playbook.web.startup import ServiceWiring, secret_of, start_up
from playbook.web.telemetry import JsonLines
from playbook.web.timeouts import TimeoutProtocol
from playbook.workflows.client import WorkflowClient
from playbook.workflows.worker import Worker

_SILENT = timedelta(seconds=90)
_PATIENCE_S = 10


@click.command(name="serve")
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
def command(config_file: Path | None, host: str, port: int) -> None:
    """Serve the approval pages, the action API and the block list. It runs the detections and does what is due, too."""
    config, file = configuration(config_file)
    base = may_listen(config, file, host, port)
    _log_to_stderr()
    with open_case_store(config, file) as store:
        wired = start_up(config, file, store, now)
        secret = secret_of(config, file, store)
        first_admin(store, first_password_file(store, config), now(), lambda line: click.echo(line, err=True))
        door = WorkflowClient(store)
        worker = Worker(wired.works(door, secret, base), f"{platform.node() or 'serve'}-{port}", time.monotonic)
        parts = _parts(wired, secret, base, door, _troubles(store, wired.errands(), wired.restored))
        app = build(replace(parts, arrived=worker.alerts_arrived))
        _tell(wired, base)
        try:
            worker.start()
            uvicorn.Server(_listening(config, app, host, port)).run()
        finally:
            worker.stop(_PATIENCE_S)
            door.close()


def _parts(
    wired: ServiceWiring, secret: bytes, base: str, door: WorkflowClient, troubles: Callable[[], tuple[str, ...]]
) -> Dependencies:
    config = wired.config
    public = urlsplit(base).hostname or ""
    return Dependencies(
        store=wired.store,
        config=config,
        now=now,
        outside=lambda: action_context(config, wired.file, now()),
        enqueue=door.starting,
        secret=secret,
        off=wired.off,
        secure=base.startswith("https:"),
        hosts=tuple(dict.fromkeys((public, *LOOPBACK))),
        troubles=troubles,
        base=base,
        restored=wired.restored,
        feeds=tuple(one for one in wired.named("containments").values() if hasattr(one, "feed")),
    )


def _troubles(
    store: Store, configured: tuple[ScheduledJob, ...], restored: Callable[[], str] = not_restored
) -> Callable[[], tuple[str, ...]]:
    """What is wrong with the sources, whether a worker is alive, and whether the record is a restored one."""
    started = now()

    def told() -> tuple[str, ...]:
        try:
            held = restored()
            with store.reading() as conn:
                beat, troubles = queries.last_beat(conn), schedules.failures(conn, configured)
        except PlaybookError:
            return ("The record cannot be read.",)
        silent = now() - max(beat or started, started) > _SILENT
        troubles = (held, *troubles) if held else troubles
        return (*troubles, *(("No worker is alive: nothing is set or released.",) if silent else ()))

    return told


def _listening(config: Config, app: FastAPI, host: str, port: int) -> uvicorn.Config:
    certificate, key = config.serve.tls_certificate, config.serve.tls_key
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=config.serve.trust_forwarded_headers,
        timeout_graceful_shutdown=_PATIENCE_S,
        limit_concurrency=256,
        timeout_keep_alive=15,
        http=TimeoutProtocol,
        h11_max_incomplete_event_size=32 * 1024,
        ws="none",
        ssl_certfile=None if certificate is None else str(config.folder / certificate),
        ssl_keyfile=None if key is None else str(config.folder / key),
    )


def _tell(wired: ServiceWiring, base: str) -> None:
    for line in (*wired.warnings, *((f"containment is OFF: {wired.off}",) if wired.off else ())):
        click.echo(f"warning: {line}", err=True)
    click.echo(f"serving {base}   sources: {', '.join(wired.sources) or 'none'}   stop with Ctrl-C", err=True)


def _log_to_stderr() -> None:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[lines], force=True)
    for name in ("apscheduler", "dbos", "alembic", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
