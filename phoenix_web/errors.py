"""The exceptions that callers may see, and the HTTP answer that each one stands for.

    PhoenixError
      BadRequest            400
      InvalidCredential     401   no credential, or one that does not hold
        ExpiredCredential   401   one that was right and has expired
        WrongCode           401   the password was right, the second factor is not
      Forbidden             403   known, but not allowed
        PermissionDenied    403   carries the `policy.Refusal`
      NotFound              404   missing, or not the caller's to know of
        UserNotFound        404
      Conflict              409
        UsernameTaken       409
        EmailTaken          409
        StaleVersion        409   changed since the caller has read it
        LastAdministrator   409
        DatasetNameTaken    409
        FormAlreadyUsed     409   the form was submitted before, and has done its work
      PayloadTooLarge       413
      UnsupportedMediaType  415
      Invalid               422   one sentence, as plain text
        TooLong             422   carries the limit
        Unstorable          422   no database can store the text
      ValidationFailed      422   a list of faults, each with its place
      TooManyRequests       429   carries the seconds to wait, and what has been used up
        TooManyFailures     429
      NotConfigured         503   trying again does not help
      Unavailable           503   carries the seconds to wait
      InsufficientStorage   507

The text of a `PhoenixError` may be shown to anybody; the text of any other exception never is.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phoenix_web.policy import Refusal


class PhoenixError(Exception):
    """A refusal that the caller may read."""

    status: ClassVar[HTTPStatus]
    #: The message of an error that is raised without one: a text of the contract.
    default_message: ClassVar[str] = ""

    def __init__(self, message: str | None = None) -> None:
        """Carry *message*, which must not contain a secret."""
        self.message = self.default_message if message is None else message
        super().__init__(self.message)


class BadRequest(PhoenixError):
    """The request cannot be understood."""

    status = HTTPStatus.BAD_REQUEST


class InvalidCredential(PhoenixError):
    """No credential, or one that does not hold. The reason goes to the log, never to the caller."""

    status = HTTPStatus.UNAUTHORIZED
    default_message = "Invalid token"

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class ExpiredCredential(InvalidCredential):
    """A credential that was right and has expired."""

    default_message = "Expired token"


class WrongCode(InvalidCredential):
    """A second factor that does not hold, from somebody who knows the password."""

    default_message = "Invalid verification code"


class Forbidden(PhoenixError):
    """The caller is known and may not do this."""

    status = HTTPStatus.FORBIDDEN


class PermissionDenied(Forbidden):
    """The role or the credential of the caller lacks a permission."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class NotFound(PhoenixError):
    """The thing is missing, or is not the caller's to know of."""

    status = HTTPStatus.NOT_FOUND


class UserNotFound(NotFound):
    """No user has this id."""

    default_message = "User not found"


class Conflict(PhoenixError):
    """The request contradicts what is stored."""

    status = HTTPStatus.CONFLICT


class UsernameTaken(Conflict):
    """Another user has this name, or one that looks like it."""

    default_message = "Username already exists"


class EmailTaken(Conflict):
    """Another user has this mail address."""

    default_message = "Email already exists"


class StaleVersion(Conflict):
    """The caller has read another version than the one that is stored."""


class LastAdministrator(Conflict):
    """The change would leave no active administrator."""

    default_message = "Cannot remove the last active admin user"


class DatasetNameTaken(Conflict):
    """Another dataset has this name."""


class FormAlreadyUsed(Conflict):
    """The same form was submitted before; it takes effect only once."""


class PayloadTooLarge(PhoenixError):
    """The body is longer than the server takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(PhoenixError):
    """The body has a content type that this route does not read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Invalid(PhoenixError):
    """The request is well formed and wrong; one sentence says how."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooLong(Invalid):
    """A text is longer than *limit* characters."""

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class Unstorable(Invalid):
    """A text that no database can store: see `phoenix_web.text`."""


class ValidationFailed(PhoenixError):
    """The request is well formed and wrong in the places that `faults` lists.

    Each fault has the keys `type`, `loc`, `msg`, `input` and sometimes `ctx`, as pydantic and the
    Phoenix API name them.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Carry *faults*, which must not echo a secret."""
        super().__init__("The request is not valid.")
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Quota:
    """So many tries in so many seconds; by its name a client tells it from others."""

    name: str
    amount: int
    seconds: int


class TooManyRequests(PhoenixError):
    """The caller has used up *quota* and must wait `retry_after` seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, retry_after: int, quota: Quota) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.quota = quota

    @property
    def headers(self) -> dict[str, str]:
        """Return `Retry-After`, and the headers of draft-ietf-httpapi-ratelimit-headers-11."""
        quota = self.quota
        return {
            "Retry-After": str(self.retry_after),
            "RateLimit-Policy": f'"{quota.name}";q={quota.amount};w={quota.seconds}',
            "RateLimit": f'"{quota.name}";r=0;t={self.retry_after}',
        }


class TooManyFailures(TooManyRequests):
    """Too many wrong passwords or codes were tried."""


class NotConfigured(PhoenixError):
    """The server was not told how to do this; whoever administers it can."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Unavailable(PhoenixError):
    """The server cannot do this now; the same request may succeed in `retry_after` seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InsufficientStorage(PhoenixError):
    """The disk under the database is full; reads and deletions go on."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
