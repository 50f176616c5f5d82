"""The outbox and who empties it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
import time_machine
from sqlalchemy import inspect, text

from phoenix_web.audit.events import Actor
from phoenix_web.errors import Invalid
from phoenix_web.mail.composer import MessageComposer
from phoenix_web.mail.sender import LONGEST_DELAY, MAX_ATTEMPTS, Report, delay_after
from phoenix_web.store.accounts.password_links import LinkPurpose, PasswordLinkStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.mail.outbox import MailState, OutboxStore
from tests.factories import PASSWORD, add_user, issue_link, services_of
from tests.support.live import environment_of
from tests.support.mail_server import link_in, running_mail_server
from tests.support.statements import statements

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from phoenix_web.store.accounts.users import UserInfo
    from phoenix_web.store.mail.outbox import MailInfo
    from phoenix_web.web.services import Mail
    from tests.conftest import MakeApp, MakeUser
    from tests.factories import SignedIn
    from tests.support.mail_server import MailServer

NEW: Final = "seven quiet lighthouses"


def mail_of(app: Flask) -> Mail:
    mail = services_of(app).mail
    assert mail is not None
    return mail


def send_due(app: Flask) -> Report:
    return mail_of(app).sender.send_due()


def send_link(app: Flask, user: SignedIn, purpose: LinkPurpose = LinkPurpose.INVITATION) -> None:
    with services_of(app).database.transaction() as session:
        mail_of(app).outbox.send_link(session, found(app, user), purpose, Actor())


def ask_for_reset(app: Flask, address: str) -> None:
    with services_of(app).database.transaction() as session:
        mail_of(app).outbox.request_reset(session, address)


def found(app: Flask, user: SignedIn) -> UserInfo:
    with services_of(app).database.reading() as session:
        info = UserStore(session).find(user.user_id)
    assert info is not None
    return info


def mails(app: Flask) -> list[MailInfo]:
    with services_of(app).database.reading() as session:
        return OutboxStore(session).page(100, None, None).items


def redeem(app: Flask, link: str, password: str = NEW) -> int:
    body = {"token": link.partition("token=")[2], "password": password}
    return app.test_client().post("/auth/password-reset", json=body).status_code


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_mail_brings_a_link_that_works(
    app: Flask, member: SignedIn, mail_server: MailServer, purpose: LinkPurpose
) -> None:
    send_link(app, member, purpose)

    assert send_due(app) == Report(sent=1)

    [message] = mail_server.messages
    link = link_in(message)
    assert link.startswith("https://phx.example.com/phx/reset-password-with-token?token=")
    assert message["To"] == member.email
    assert message["From"] == "Phoenix <noreply@phx.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@phx.example.com>")
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    [mail] = mails(app)
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.SENT, 1, None)
    assert mail.sent_at is not None
    assert redeem(app, link) == 204


def test_what_a_user_is_called_is_text_in_both_parts(
    app: Flask, make_user: MakeUser, mail_server: MailServer
) -> None:
    user = make_user(username="<b>Bo\r\nBcc: all@example.com", email="bo@example.com")
    send_link(app, user)

    assert send_due(app).sent == 1

    [message] = mail_server.messages
    html = message.get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;Bo" in html.get_content()
    assert message["Bcc"] is None


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_server_without_a_name_writes_too(
    make_app: MakeApp, mail_server: MailServer, host: str
) -> None:
    root_url = f"http://{host}:6006"
    app = make_app(smtp_hostname="127.0.0.1", smtp_port=mail_server.port, root_url=root_url)
    member = add_user(app)
    send_link(app, member)

    assert send_due(app).sent == 1
    assert link_in(mail_server.messages[0]).startswith(root_url)


def test_an_address_in_any_script_is_written_to(
    app: Flask, make_user: MakeUser, mail_server: MailServer
) -> None:
    for email in ("jürgen@example.com", "a@bücher.example"):
        send_link(app, make_user(email=email))

    assert send_due(app).sent == 2
    assert {message["To"] for message in mail_server.messages} == {
        "jürgen@example.com",
        "a@xn--bcher-kva.example",
    }


def test_whoever_asks_for_a_reset_gets_a_link_if_there_is_such_a_user(
    app: Flask, member: SignedIn, make_user: MakeUser, mail_server: MailServer
) -> None:
    ldap, deactivated = make_user(auth_method="LDAP"), make_user()
    with services_of(app).database.transaction() as session:
        UserStore(session).set_active(deactivated.user_id, is_active=False)
    for address in (
        "nobody@example.com",
        ldap.email,
        deactivated.email,
        "admin@localhost",
        "system@localhost",
        member.email.upper(),
    ):
        ask_for_reset(app, address)

    assert send_due(app) == Report(sent=1)

    [message] = mail_server.messages
    assert message["To"] == member.email
    assert message["Subject"] == "[Phoenix] Password Reset Request"
    assert [mail.address for mail in mails(app)] == [member.email]
    assert redeem(app, link_in(message)) == 204


def test_a_newer_mail_voids_the_link_of_an_older_one(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    for _ in range(2):
        ask_for_reset(app, member.email)
        send_due(app)

    older, newer = map(link_in, mail_server.messages)
    assert redeem(app, older) == 401
    assert redeem(app, newer) == 204


def test_what_was_asked_for_before_a_link_was_handed_over_does_not_void_it(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    ask_for_reset(app, member.email)
    token = issue_link(app, member, LinkPurpose.INVITATION)

    assert send_due(app) == Report()
    assert mail_server.messages == []
    assert redeem(app, f"token={token}") == 204


def test_nobody_is_buried_under_mails_and_nobody_is_kept_from_getting_one(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    """Somebody asks each minute, for hours: the link in the newest mail is good all the time."""
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for _ in range(150):
            ask_for_reset(app, member.email)
            send_due(app)
            newest = link_in(mail_server.messages[-1])
            assert redeem(app, newest, "short") == 422  # the link is good, the password is not
            clock.shift(timedelta(minutes=1))

        assert len(mail_server.messages) == 5 + (150 - 5) // 12
        assert redeem(app, newest) == 204


def test_the_text_of_a_link_lies_nowhere_at_rest(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    send_link(app, member)
    before = everything(app)
    send_due(app)
    token = link_in(mail_server.messages[0]).partition("token=")[2]

    for stored in (before, everything(app)):
        assert member.email in stored
        assert token not in stored
        assert token.partition(".")[0] not in stored


def everything(app: Flask) -> str:
    """Return all that the database holds, as text."""
    with services_of(app).database.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        return "\n".join(
            str(row)
            for table in tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - names of our tables
        )


def test_a_mail_waits_until_the_server_is_back(
    app: Flask, member: SignedIn, mail_server: MailServer, make_app: MakeApp
) -> None:
    del mail_server
    with running_mail_server() as stopped:
        pass
    app = make_app(
        smtp_hostname="127.0.0.1", smtp_port=stopped.port, root_url="https://phx.example.com"
    )
    send_link(app, member)
    begin = datetime.now(UTC)

    with time_machine.travel(begin) as clock:
        assert send_due(app) == Report(postponed=1)
        assert send_due(app) == Report()
        [mail] = mails(app)
        assert (mail.state, mail.attempts) == (MailState.WAITING, 1)
        assert "refused" in (mail.last_error or "")
        clock.move_to(begin + timedelta(seconds=35))
        assert send_due(app) == Report(postponed=1)
        clock.move_to(begin + timedelta(seconds=70))
        assert send_due(app) == Report()
        clock.move_to(begin + timedelta(seconds=120))
        with running_mail_server(port=stopped.port) as server:
            assert send_due(app) == Report(sent=1)
            assert redeem(app, link_in(server.messages[0])) == 204


def test_the_wait_doubles_up_to_an_hour() -> None:
    delays = [delay_after(attempts).total_seconds() for attempts in range(1, MAX_ATTEMPTS + 1)]

    assert delays[:4] == [30, 60, 120, 240]
    assert delays[-1] == LONGEST_DELAY.total_seconds()
    assert 16 < sum(delays[:-1]) / 3600 < 18
    assert delay_after(10**9) == LONGEST_DELAY


def test_a_mail_that_is_never_taken_is_given_up_and_can_be_tried_again(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    mail_server.refuse_message = "451 Not now"
    send_link(app, member)
    begin = datetime.now(UTC)
    with time_machine.travel(begin) as clock:
        for _ in range(MAX_ATTEMPTS):
            send_due(app)
            clock.shift(LONGEST_DELAY + timedelta(seconds=1))
        [mail] = mails(app)
        assert (mail.state, mail.attempts) == (MailState.FAILED, MAX_ATTEMPTS)
        assert mail.last_error == "451 Not now"
        assert send_due(app) == Report()

        mail_server.refuse_message = None
        with services_of(app).database.transaction() as session:
            assert OutboxStore(session).retry(mail.id, datetime.now(UTC))
            assert not OutboxStore(session).retry(mail.id, datetime.now(UTC))
        assert send_due(app) == Report(sent=1)


def test_a_final_refusal_ends_a_mail_at_once(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    mail_server.refuse_recipient = "550 No such user"
    send_link(app, member)

    assert send_due(app) == Report(abandoned=1)
    assert [(mail.state, mail.last_error) for mail in mails(app)] == [
        (MailState.FAILED, "550 No such user")
    ]


def test_what_a_mail_server_says_is_kept_short_and_without_the_link(
    app: Flask, member: SignedIn, mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):
        with services_of(app).database.transaction() as session:
            link = mail_of(app).outbox.send_link(
                session, found(app, member), LinkPurpose.RESET, Actor()
            )
        echo = f"https://phx.example.com/x?token={link.token} and\x00 \x1b[31m \u202e more"
        mail_server.refuse_message = f"550 {echo} {'on and on ' * 100}"

        assert send_due(app) == Report(abandoned=1)

    [mail] = mails(app)
    assert mail.last_error is not None
    assert mail.last_error.startswith("550 https://phx.example.com/x?token=*** and")
    assert mail.last_error.isprintable()
    assert len(mail.last_error) <= 300
    for told in (mail.last_error, caplog.text):
        assert "on and on" in told
        assert not [part for part in link.token.split(".") if part in told]


def test_a_mail_that_cannot_be_written_keeps_no_other(
    app: Flask,
    member: SignedIn,
    viewer: SignedIn,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compose = MessageComposer.compose

    def fail(
        self: MessageComposer, purpose: LinkPurpose, user: UserInfo, *told: Any, **more: Any
    ) -> Any:
        if user.email == member.email:
            raise ValueError("a defect")
        return compose(self, purpose, user, *told, **more)

    monkeypatch.setattr(MessageComposer, "compose", fail)
    send_link(app, member)
    send_link(app, viewer)

    assert send_due(app) == Report(sent=1, postponed=1)
    assert [message["To"] for message in mail_server.messages] == [viewer.email]
    assert "a defect" not in str(mails(app))


@pytest.mark.parametrize("what", ["used", "replaced", "expired", "not theirs"])
def test_a_link_that_is_good_no_more_is_not_sent(
    app: Flask, member: SignedIn, mail_server: MailServer, what: str
) -> None:
    send_link(app, member)
    database = services_of(app).database
    with time_machine.travel(datetime.now(UTC)) as clock:
        if what == "used":
            with database.transaction() as session:
                PasswordLinkStore(session).delete_for(member.user_id)
        elif what == "replaced":
            issue_link(app, member)
        elif what == "expired":
            clock.shift(timedelta(days=3, seconds=1))
        else:
            with database.transaction() as session:
                session.execute(text("UPDATE users SET auth_method = 'LDAP'"))

        assert send_due(app) == Report(abandoned=1)
    assert mail_server.messages == []
    [mail] = mails(app)
    assert mail.state is MailState.FAILED
    assert mail.last_error


def test_a_deleted_user_takes_their_mails_along(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    send_link(app, member)
    with services_of(app).database.transaction() as session:
        UserStore(session).delete(member.user_id)

    assert send_due(app) == Report()
    assert mails(app) == []
    assert mail_server.messages == []


@pytest.mark.parametrize("what", ["deleted", "deactivated"])
def test_whoever_goes_while_a_mail_is_written_gets_none_and_keeps_no_other(
    app: Flask,
    member: SignedIn,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    as_read, viewer = found(app, member), add_user(app)
    with services_of(app).database.transaction() as session:
        if what == "deleted":
            UserStore(session).delete(member.user_id)
        else:
            UserStore(session).set_active(member.user_id, is_active=False)
    find = UserStore.find_by_email
    monkeypatch.setattr(
        UserStore,
        "find_by_email",
        lambda self, email: as_read if email == member.email else find(self, email),
    )
    ask_for_reset(app, member.email)
    ask_for_reset(app, viewer.email)

    assert send_due(app) == Report(sent=1)
    assert [message["To"] for message in mail_server.messages] == [viewer.email]
    assert [mail.address for mail in mails(app)] == [viewer.email]
    with (
        services_of(app).database.transaction() as session,
        pytest.raises(Invalid, match=rf"{member.email} is {what}"),
    ):
        mail_of(app).outbox.send_link(session, as_read, LinkPurpose.RESET, Actor())


def test_several_couriers_at_once_send_each_mail_once(
    app: Flask, make_app: MakeApp, make_user: MakeUser, mail_server: MailServer
) -> None:
    users = [make_user() for _ in range(16)]
    for user in users:
        send_link(app, user)
    settings = services_of(app).settings
    apps = [make_app(**{name: getattr(settings, name) for name in settings.model_fields_set})] * 2

    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(send_due, [app, *apps, app]))

    assert sum(report.sent for report in reports) == 16
    told = sorted(message["To"] for message in mail_server.messages)
    assert told == sorted(user.email for user in users)
    assert len({message["Message-ID"] for message in mail_server.messages}) == 16


def test_what_a_late_courier_says_of_a_mail_that_was_taken_from_it_is_not_noted(
    app: Flask, member: SignedIn
) -> None:
    send_link(app, member)
    database = services_of(app).database
    now = datetime.now(UTC)
    with database.transaction() as session:
        late = OutboxStore(session).claim(now, now + timedelta(seconds=1))
        assert OutboxStore(session).claim(now, now + timedelta(seconds=1)) is None
        later = now + timedelta(seconds=2)
        taken = OutboxStore(session).claim(later, later + timedelta(minutes=1))
        assert late is not None
        assert taken is not None
        OutboxStore(session).abandon(late, "too late")

    [mail] = mails(app)
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.WAITING, 2, None)


def test_two_senders_deliver_different_mails_at_the_same_time(
    app: Flask, member: SignedIn, viewer: SignedIn, mail_server: MailServer
) -> None:
    mail_server.is_quick.clear()
    send_link(app, member)
    send_link(app, viewer)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(send_due, app)
        mail_server.wait_until_begun(1)
        second = threads.submit(send_due, app)
        mail_server.wait_until_begun(2)
        assert send_due(app) == Report()
        mail_server.is_quick.set()
        reports = [first.result(20), second.result(20)]

    assert reports == [Report(sent=1), Report(sent=1)]
    assert sorted(message["To"] for message in mail_server.messages) == [
        member.email,
        viewer.email,
    ]


def test_two_reset_requests_that_are_handled_at_once_leave_one_link_that_works(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    ask_for_reset(app, member.email)
    ask_for_reset(app, member.email)

    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(send_due, [app, app]))

    # The link that was issued for one request is newer than the other request.
    assert sum(report.sent for report in reports) == 1
    [message] = mail_server.messages
    assert redeem(app, link_in(message)) == 204


def test_a_poll_that_finds_nothing_due_opens_no_transaction(
    app: Flask, mail_server: MailServer
) -> None:
    del mail_server
    with statements() as executed:
        assert send_due(app) == Report()

    [statement] = executed
    assert statement.startswith("SELECT")
    assert "FOR UPDATE" not in statement


def test_a_courier_that_is_told_to_stop_takes_up_no_further_mail(
    app: Flask, member: SignedIn, viewer: SignedIn, mail_server: MailServer
) -> None:
    send_link(app, member)
    send_link(app, viewer)
    wanted = iter([True, False])

    mail_of(app).sender.send_due(lambda: next(wanted))

    assert len(mail_server.messages) == 1
    assert sorted(mail.state for mail in mails(app)) == [MailState.SENT, MailState.WAITING]


def test_a_stranger_who_asks_for_a_reset_ends_no_invitation(
    app: Flask, client: FlaskClient, member: SignedIn, mail_server: MailServer
) -> None:
    """Whoever was invited has days; a wish that anybody may utter would leave them minutes."""
    token = issue_link(app, member, LinkPurpose.INVITATION)

    ask_for_reset(app, member.email)
    assert send_due(app).sent == 1

    assert services_of(app).password_links.verify(token).purpose is LinkPurpose.INVITATION
    mailed = link_in(mail_server.messages[0]).partition("token=")[2]
    body = {"token": mailed, "password": NEW}
    assert client.post("/auth/password-reset", json=body).status_code == 204


PROGRAM: Final = """
from phoenix_web.settings.key_files import session_secret
from phoenix_web.settings import load
from phoenix_web.web.services import build

settings = load()
build(settings, session_secret(settings)).mail.sender.send_due()
"""


def test_the_mail_of_a_killed_process_is_sent_by_another_after_its_hold_time(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    mail_server.is_quick.clear()
    send_link(app, member)
    environment = {**os.environ, **environment_of(services_of(app).settings)}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment) as first:
        try:
            mail_server.wait_until_begun()
        finally:
            os.kill(first.pid, signal.SIGKILL)
    mail_server.is_quick.set()
    [taken] = mails(app)

    with time_machine.travel(taken.due_at - timedelta(milliseconds=1), tick=False):
        assert send_due(app) == Report()
    with time_machine.travel(taken.due_at, tick=False):
        assert send_due(app) == Report(sent=1)

    [mail] = mails(app)
    assert (mail.state, mail.attempts) == (MailState.SENT, 2)
    # What the first had handed over may arrive as well, and is told by its number to be the same.
    assert {message["To"] for message in mail_server.messages} == {member.email}
    assert len({message["Message-ID"] for message in mail_server.messages}) == 1
    assert PASSWORD not in str(mail_server.messages[0])
