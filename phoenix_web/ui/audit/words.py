"""Texts of the audit log page."""

from __future__ import annotations

from typing import Final

from phoenix_web.audit.events import SERVER, AuditAction

#: Titles of successful actions, in the groups of the form.
GROUPS: Final[dict[str, dict[AuditAction, str]]] = {
    "Sign-in": {
        AuditAction.SESSION_OPENED: "Signed in",
        AuditAction.LOGIN_CODE_ASKED: "Verification code requested",
        AuditAction.LOGIN_FAILED: "Sign-in failed",
        AuditAction.SESSION_ENDED: "Session ended",
        AuditAction.SESSION_ALL_ENDED: "All sessions ended",
        AuditAction.SESSION_REPLAYED: "Refresh token used twice",
        AuditAction.MFA_ENROLLED: "Two-step sign-in turned on",
        AuditAction.MFA_REMOVED: "Two-step sign-in turned off",
        AuditAction.MFA_RECOVERY_CODE_USED: "Recovery code used",
        AuditAction.MFA_RECOVERY_CODES_RENEWED: "Recovery codes created",
    },
    "Keys": {
        AuditAction.KEY_ISSUED: "Key created",
        AuditAction.KEY_FIRST_USED: "Key used for the first time",
        AuditAction.KEY_REVOKED: "Key revoked",
    },
    "Users": {
        AuditAction.USER_CREATED: "User added",
        AuditAction.USER_RENAMED: "User renamed",
        AuditAction.USER_ROLE_CHANGED: "Role changed",
        AuditAction.USER_PASSWORD_CHANGED: "Password changed",
        AuditAction.PASSWORD_LINK_ISSUED: "Password link created",
        AuditAction.PASSWORD_LINK_REDEEMED: "Password link used",
        AuditAction.USER_DEACTIVATED: "User deactivated",
        AuditAction.USER_REACTIVATED: "User reactivated",
        AuditAction.USER_DELETED: "User deleted",
    },
    "Server": {
        AuditAction.SETTINGS_CHANGED: "Settings changed",
        AuditAction.AUDIT_PRUNED: "Audit log pruned",
    },
}
_TITLES: Final = {action.value: text for group in GROUPS.values() for action, text in group.items()}
#: Titles of refused actions that differ.
_REFUSED: Final = {
    AuditAction.USER_PASSWORD_CHANGED.value: "Password not changed",
    AuditAction.MFA_ENROLLED.value: "Two-step sign-in not turned on",
    AuditAction.MFA_REMOVED.value: "Two-step sign-in not turned off",
    AuditAction.MFA_RECOVERY_CODES_RENEWED.value: "Recovery codes not created",
}
_SUBJECTS: Final = {
    "User": "user",
    "UserApiKey": "key",
    "SystemApiKey": "system key",
    "UserSession": "session of",
}


def title(action: str, *, is_refused: bool) -> str:
    """Return the title of *action*."""
    return (_REFUSED.get(action) if is_refused else None) or _TITLES.get(action, action)


def subject_word(kind: str) -> str:
    """Return the word before the label of a subject, or an empty text for unnamed kinds."""
    return _SUBJECTS.get(kind, "")


def origin(credential: str | None, address: str | None) -> str:
    """Return the credential and the address of an action in words."""
    # Actions of the server itself have no credential.
    by = f"by {credential}" if credential and credential != SERVER else ""
    return ", ".join(filter(None, (by, f"from {address}" if address else "")))
