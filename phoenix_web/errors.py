"""The exceptions that callers may see, with their HTTP status.

    PhoenixError
      BadRequest            400
      InvalidCredential     401   missing or invalid credential
        ExpiredCredential   401   valid credential that has expired
        WrongCode           401   correct password, wrong second factor
      Forbidden             403   authenticated, but not allowed
        PermissionDenied    403   carries the `policy.Refusal`
      NotFound              404   missing, or hidden from the caller
        UserNotFound        404
      Conflict              409
        UsernameTaken       409
        EmailTaken          409
        StaleVersion        409   changed since the caller read it
        LastAdministrator   409
        DatasetNameTaken    409
        FormAlreadyUsed     409   the form was already submitted
      PayloadTooLarge       413
      UnsupportedMediaType  415
      Invalid               422   one sentence, as plain text
        TooLong             422   carries the limit
        Unstorable          422   no database can store the text
      ValidationFailed      422   a list of faults with their places
      TooManyRequests       429   carries the quota and the seconds to wait
        TooManyFailures     429
      NotConfigured         503   retrying does not help
      Unavailable           503   carries the seconds to wait
      InsufficientStorage   507

Callers see the text of a `PhoenixError`, but never the text of another exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phoenix_web.policy import Refusal


class PhoenixError(Exception):
    """Base of the errors whose message callers see."""

    status: ClassVar[HTTPStatus]
    #: Message of an error that is raised without one; a text of the contract.
    default_message: ClassVar[str] = ""

    def __init__(self, message: str | None = None) -> None:
        """Store *message*, which must not contain a secret."""
        self.message = self.default_message if message is None else message
        super().__init__(self.message)


class BadRequest(PhoenixError):
    """A malformed request."""

    status = HTTPStatus.BAD_REQUEST


class InvalidCredential(PhoenixError):
    """A missing or invalid credential. The reason is logged, never sent to the caller."""

    status = HTTPStatus.UNAUTHORIZED
    default_message = "Invalid token"

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class ExpiredCredential(InvalidCredential):
    """A valid credential that has expired."""

    default_message = "Expired token"


class WrongCode(InvalidCredential):
    """A wrong second factor after a correct password."""

    default_message = "Invalid verification code"


class Forbidden(PhoenixError):
    """An action that the authenticated caller may not perform."""

    status = HTTPStatus.FORBIDDEN


class PermissionDenied(Forbidden):
    """A role or credential without the required permission."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class NotFound(PhoenixError):
    """A resource that is missing or hidden from the caller."""

    status = HTTPStatus.NOT_FOUND


class UserNotFound(NotFound):
    """A user who does not exist."""

    default_message = "User not found"


class Conflict(PhoenixError):
    """A conflict with the stored state."""

    status = HTTPStatus.CONFLICT


class UsernameTaken(Conflict):
    """A name that another user has, or one that looks like it."""

    default_message = "Username already exists"


class EmailTaken(Conflict):
    """An e-mail address that another user has."""

    default_message = "Email already exists"


class StaleVersion(Conflict):
    """A change based on an outdated version."""


class LastAdministrator(Conflict):
    """A change that would leave no active administrator."""

    default_message = "Cannot remove the last active admin user"


class DatasetNameTaken(Conflict):
    """A name that another dataset has."""


class FormAlreadyUsed(Conflict):
    """A form that was already submitted; it takes effect only once."""


class PayloadTooLarge(PhoenixError):
    """A request body above the size limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(PhoenixError):
    """A content type that the route does not accept."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Invalid(PhoenixError):
    """A well-formed request with an invalid value, described in one sentence."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooLong(Invalid):
    """A text that is longer than `limit` characters."""

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class Unstorable(Invalid):
    """A text that cannot be stored: see `phoenix_web.text`."""


class ValidationFailed(PhoenixError):
    """A well-formed request with invalid fields.

    Each fault has the keys `type`, `loc`, `msg`, `input` and optionally `ctx`, as in pydantic and
    the Phoenix API.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Store *faults*, which must not echo a secret."""
        super().__init__("The request is not valid.")
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Quota:
    """A rate limit: `amount` requests in `seconds`. The name identifies it in headers."""

    name: str
    amount: int
    seconds: int


class TooManyRequests(PhoenixError):
    """A request above a rate limit; the client must wait `retry_after` seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, retry_after: int, quota: Quota) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.quota = quota

    @property
    def headers(self) -> dict[str, str]:
        """Return `Retry-After` and the headers of draft-ietf-httpapi-ratelimit-headers-11."""
        quota = self.quota
        return {
            "Retry-After": str(self.retry_after),
            "RateLimit-Policy": f'"{quota.name}";q={quota.amount};w={quota.seconds}',
            "RateLimit": f'"{quota.name}";r=0;t={self.retry_after}',
        }


class TooManyFailures(TooManyRequests):
    """Too many wrong passwords or codes."""


class NotConfigured(PhoenixError):
    """A feature that the administrator has not configured."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Unavailable(PhoenixError):
    """A temporary failure; the same request may succeed after `retry_after` seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InsufficientStorage(PhoenixError):
    """A full disk; reads and deletions still work."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
