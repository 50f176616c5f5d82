"""The audit log in words."""

from __future__ import annotations

from typing import Final

from phoenix_web.audit.events import SERVER, Action

#: The groups in which actions are chosen, and what each action is called when it succeeded.
GROUPS: Final[dict[str, dict[Action, str]]] = {
    "Sign-in": {
        Action.SESSION_OPENED: "Signed in",
        Action.LOGIN_CODE_ASKED: "Code asked for",
        Action.LOGIN_FAILED: "Sign-in failed",
        Action.SESSION_ENDED: "Session ended",
        Action.SESSION_ALL_ENDED: "All sessions ended",
        Action.SESSION_REPLAYED: "Refresh token used twice",
        Action.MFA_ENROLLED: "Two-step sign-in turned on",
        Action.MFA_REMOVED: "Two-step sign-in turned off",
        Action.MFA_RECOVERY_CODE_USED: "Recovery code used",
        Action.MFA_RECOVERY_CODES_RENEWED: "New recovery codes made",
    },
    "Keys": {
        Action.KEY_ISSUED: "Key made",
        Action.KEY_FIRST_USED: "Key used for the first time",
        Action.KEY_REVOKED: "Key revoked",
    },
    "Users": {
        Action.USER_CREATED: "User added",
        Action.USER_RENAMED: "User renamed",
        Action.USER_ROLE_CHANGED: "Role changed",
        Action.USER_PASSWORD_CHANGED: "Password changed",
        Action.PASSWORD_LINK_ISSUED: "Password link made",
        Action.PASSWORD_LINK_REDEEMED: "Password link used",
        Action.USER_DEACTIVATED: "User deactivated",
        Action.USER_REACTIVATED: "User reactivated",
        Action.USER_DELETED: "User deleted",
    },
    "Server": {
        Action.SETTINGS_CHANGED: "Settings changed",
        Action.AUDIT_PRUNED: "Audit log shortened",
    },
}
_TITLES: Final = {action.value: text for group in GROUPS.values() for action, text in group.items()}
#: What is called otherwise when it was refused.
_REFUSED: Final = {
    Action.USER_PASSWORD_CHANGED.value: "Password not changed",
    Action.MFA_ENROLLED.value: "Two-step sign-in not turned on",
    Action.MFA_REMOVED.value: "Two-step sign-in not turned off",
    Action.MFA_RECOVERY_CODES_RENEWED.value: "No new recovery codes made",
}
_SUBJECTS: Final = {
    "User": "user",
    "UserApiKey": "key",
    "SystemApiKey": "system key",
    "UserSession": "session of",
}


def title(action: str, *, is_refused: bool) -> str:
    """Return what *action* is called."""
    return (_REFUSED.get(action) if is_refused else None) or _TITLES.get(action, action)


def subject_word(kind: str) -> str:
    """Return what stands before the label of a subject of *kind*: nothing for a part of us."""
    return _SUBJECTS.get(kind, "")


def way(credential: str | None, address: str | None) -> str:
    """Return by which credential and from where something was done."""
    # What the server does of its own accord it does by nothing.
    by = f"by {credential}" if credential and credential != SERVER else ""
    return ", ".join(filter(None, (by, f"from {address}" if address else "")))
