"""Who may do what, as data."""

from __future__ import annotations

import pytest

from phoenix_web.auth.credentials.principal import ANONYMOUS, Principal
from phoenix_web.errors import Forbidden
from phoenix_web.policy import GRANTS, RANK, CredentialKind, Permission, Role, allows, refusal

KEYS = {CredentialKind.USER_KEY, CredentialKind.SYSTEM_KEY}
EVERY_CASE = [
    (role, kind, permission)
    for role in Role
    for kind in CredentialKind
    for permission in Permission
]


def test_every_permission_is_granted_to_somebody() -> None:
    assert set(GRANTS) == set(Permission)
    for permission in Permission:
        assert any(allows(role, kind, permission) for role in Role for kind in CredentialKind)


def test_a_higher_role_may_do_what_a_lower_one_may() -> None:
    for role, kind, permission in EVERY_CASE:
        if allows(role, kind, permission):
            for higher in Role:
                assert RANK[higher] < RANK[role] or allows(higher, kind, permission)


def test_no_key_makes_a_key() -> None:
    issuing = {Permission.KEY_ISSUE, Permission.SYSTEM_KEY_ISSUE, Permission.ACCOUNT_MANAGE}

    assert not [
        case for case in EVERY_CASE if case[1] in KEYS and case[2] in issuing and allows(*case)
    ]


def test_viewers_write_nothing_but_their_own_account_and_keys() -> None:
    writes = {
        permission for permission in Permission if not permission.endswith(("read", "read-all"))
    }
    own = {Permission.ACCOUNT_MANAGE, Permission.KEY_ISSUE, Permission.KEY_REVOKE}

    assert {p for p in writes if allows(Role.VIEWER, CredentialKind.SESSION, p)} == own


def test_without_authentication_nobody_touches_users_or_credentials() -> None:
    allowed = {permission for permission in Permission if ANONYMOUS.may(permission)}

    assert allowed == {
        Permission.PROFILE_READ,
        Permission.USER_READ,
        Permission.DATASET_READ,
        Permission.DATASET_WRITE,
    }


def test_a_refusal_has_a_reason_and_a_grant_has_none() -> None:
    for case in EVERY_CASE:
        assert allows(*case) is (refusal(*case) is None)
        assert refusal(*case) is None or len(refusal(*case) or "") > 10


def test_a_principal_is_refused_with_the_policys_reason() -> None:
    viewer = Principal(CredentialKind.SESSION, Role.VIEWER, None)

    with pytest.raises(Forbidden, match="Only admin or system users"):
        viewer.require(Permission.USER_READ)
    with pytest.raises(Forbidden, match="needs a user account"):
        ANONYMOUS.user_id  # noqa: B018 - reading it is what raises
