"""Mails that are sent beside the requests, by several workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from gunicorn.workers.gthread import ThreadWorker
from sqlalchemy import text

from phoenix_web.audit.events import Actor
from phoenix_web.server.worker import Worker
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.mail.outbox import MailState, OutboxStore
from tests.factories import services_of
from tests.support.live import environment_of, running_server, workers_of
from tests.support.mail_server import link_in
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from flask import Flask

    from tests.conftest import MakeApp, MakeUser
    from tests.support.mail_server import MailServer


@pytest.fixture
def app(make_app: MakeApp, mail_server: MailServer) -> Flask:
    """Return the application with mail."""
    return make_app(
        smtp_hostname="127.0.0.1", smtp_port=mail_server.port, root_url="http://127.0.0.1"
    )


@pytest.fixture
def environment(app: Flask) -> dict[str, str]:
    """Return the variables of a server with the settings of `app`."""
    return environment_of(services_of(app).settings)


def invite(app: Flask, make_user: MakeUser, count: int) -> None:
    """Invite so many people at once."""
    mail = services_of(app).mail
    assert mail is not None
    users = [make_user() for _ in range(count)]
    with services_of(app).database.transaction() as session:
        for user in users:
            found = UserStore(session).find(user.user_id)
            assert found is not None
            mail.outbox.send_link(session, found, LinkPurpose.INVITATION, Actor())


def count(app: Flask, state: MailState) -> int:
    with services_of(app).database.reading() as session:
        return len(OutboxStore(session).page(100, None, state).items)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_is_told_to_end_finishes_its_mail_and_loses_none(
    app: Flask, environment: dict[str, str], make_user: MakeUser, mail_server: MailServer
) -> None:
    mail_server.is_quick.clear()
    invite(app, make_user, 4)
    with running_server(environment, workers=3) as server:
        mail_server.wait_until_begun(3)
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.5)  # so long it would take to end at once
        mail_server.is_quick.set()
    assert len(mail_server.messages) == 3
    assert (count(app, MailState.SENT), count(app, MailState.WAITING)) == (3, 1)

    with running_server(environment, workers=3) as server:
        mail_server.wait_for(4)
        wait_until(lambda: not count(app, MailState.WAITING))
    assert len({message["To"] for message in mail_server.messages}) == 4
    assert len(mail_server.messages) == 4
    printed = server.output.read_text()
    assert "Traceback" not in printed
    for message in mail_server.messages:
        assert link_in(message).partition("token=")[2] not in printed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_there_is_no_thread_where_no_mails_are_sent(
    app: Flask, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def look(_worker: ThreadWorker) -> None:
        seen.append("mail" in {thread.name for thread in threading.enumerate()})

    monkeypatch.setattr(ThreadWorker, "run", look)
    applications: list[Any] = [app, make_app(), object()]
    for wsgi in applications:
        worker = Worker.__new__(Worker)
        worker.wsgi, worker.alive = wsgi, True
        worker.run()

    assert seen == [True, False, False]
    assert "mail" not in {thread.name for thread in threading.enumerate()}


# What is between the databases here, `tests/mail` compares.
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_when_a_worker_is_killed_another_sends_its_mail(
    app: Flask, environment: dict[str, str], make_user: MakeUser, mail_server: MailServer
) -> None:
    mail_server.is_quick.clear()
    invite(app, make_user, 3)
    with running_server(environment, workers=2) as server:
        mail_server.wait_until_begun(2)
        victim = min(workers_of(server))
        os.kill(victim, signal.SIGKILL)
        mail_server.is_quick.set()
        mail_server.wait_until_begun(3)
        time.sleep(1.5)
        # The mail of the killed worker still belongs to it.
        assert mail_server.begun == 3
        assert count(app, MailState.WAITING) >= 1
        a_minute_later(app)

        wait_until(lambda: count(app, MailState.SENT) == 3)
        assert victim not in workers_of(server)
    # The killed worker's mail may arrive twice, with the same Message-ID.
    assert len({message["Message-ID"] for message in mail_server.messages}) == 3


def a_minute_later(app: Flask) -> None:
    """Let the mails that dead processes have taken be due, as a minute later."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with services_of(app).database.transaction() as session:
        statement = "UPDATE outgoing_mails SET due_at = :moment WHERE due_at > :moment"
        session.execute(text(statement), {"moment": past})
