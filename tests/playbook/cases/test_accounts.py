"""Accounts: what proves one, what is stored of it, and how failures lock it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import Type, extract_parameters

from playbook.cases import accounts, audit, login_throttle
from playbook.cases.accounts import Proof, Unproven
from playbook.cases.schema import accounts as table
from playbook.cases.schema import tokens
from playbook.errors import ConfigError
from tests.support.builders import NOW

PASSWORD = "correct horse battery"


def later(**span):
    return NOW + timedelta(**span)


@pytest.fixture
def anna(store):
    """A record that has the approver anna."""
    with store.change() as conn:
        accounts.add(conn, "anna", "approver", PASSWORD, "root", NOW)
    return store


@pytest.fixture
def conn(anna):
    """A transaction on it."""
    with anna.change() as one:
        yield one


@pytest.fixture
def do(anna):
    """Something done in a transaction of its own."""

    def done(what, *given, **more):
        with anna.change() as conn:
            return what(conn, *given, **more)

    return done


def test_the_hash_that_is_shipped_is_as_dear_as_rfc_9106_asks_where_memory_is_short(shipped_hasher):
    cost = extract_parameters(shipped_hasher.hash(PASSWORD))
    assert cost.type is Type.ID
    assert cost.memory_cost >= 64 << 10 and cost.time_cost >= 3 and cost.salt_len >= 16 and cost.hash_len >= 32


def test_a_password_proves_its_account_and_no_other(anna, do):
    do(accounts.add, "bert", "viewer", "another long password", "root", NOW)
    assert accounts.still_valid(anna, "anna", NOW, password=PASSWORD) == Proof(name="anna", role="approver", via="cli")
    wrong = [
        accounts.still_valid(anna, who, NOW, password=text)
        for who, text in (("anna", "wrong"), ("bert", PASSWORD), ("nobody", PASSWORD), ("anna", ""))
    ]
    assert wrong == [Unproven(reason="the name or the password is wrong")] * 4


def test_a_token_proves_its_account_until_it_ends(anna, do):
    token = do(accounts.make_token, "anna", "root", NOW, days=1, via="platform")
    assert accounts.still_valid(anna, "anna", NOW, token=token) == Proof(
        name="anna", role="approver", via="platform", scopes=("investigate", "approve", "contain")
    )
    assert isinstance(accounts.still_valid(anna, "bert", NOW, token=token), Unproven)
    assert isinstance(accounts.still_valid(anna, "anna", later(days=1), token=token), Unproven)
    assert isinstance(do(accounts.by_token, token + "x", NOW), Unproven)
    assert isinstance(do(accounts.by_token, accounts.hash_of(token), NOW), Unproven)


def test_a_token_is_good_for_its_scope_and_never_for_more_than_the_account(conn):
    token = accounts.make_token(conn, "anna", "root", NOW, scope="viewer")
    proof = accounts.by_token(conn, token, NOW)
    assert proof.role == "viewer" and proof.may("viewer") and not proof.may("approver")
    with pytest.raises(ConfigError, match="less than admin"):
        accounts.make_token(conn, "anna", "root", NOW, scope="admin")
    whole = accounts.make_token(conn, "anna", "root", NOW)
    conn.execute(table.update().values(role="viewer"))
    assert accounts.by_token(conn, whole, NOW).role == "viewer"


def test_no_secret_is_stored_or_journalled(conn):
    token = accounts.make_token(conn, "anna", "root", NOW)
    stored = [str(row) for t in (table, tokens) for row in conn.execute(sa.select(t))]
    stored += [line.content for line in audit.lines(conn)]
    assert not any(secret in text for secret in (token, PASSWORD) for text in stored)
    assert any("$argon2id$" in text for text in stored) and len(token) > 40


def test_a_disabled_account_and_its_tokens_prove_nothing(anna, do):
    token = do(accounts.make_token, "anna", "root", NOW)
    do(accounts.disable, "anna", "root", NOW)
    assert isinstance(accounts.still_valid(anna, "anna", NOW, password=PASSWORD), Unproven)
    assert isinstance(do(accounts.by_token, token, NOW), Unproven)
    with pytest.raises(ConfigError, match="disabled"):
        do(accounts.make_token, "anna", "root", NOW)


def test_an_account_without_password_is_proven_by_token_only(anna, do):
    do(accounts.add, "soar", "approver", "", "root", NOW)
    assert isinstance(accounts.still_valid(anna, "soar", NOW, password=""), Unproven)
    assert do(accounts.account_of, "soar").has_password is False


def test_failures_lock_for_longer_and_longer_and_a_success_forgives(anna, do):
    def tried(password, moment):
        return accounts.still_valid(anna, "anna", moment, password=password)

    for _ in range(4):
        tried("wrong", NOW)
    assert isinstance(tried(PASSWORD, NOW), Proof)
    moment, locks = NOW, []
    for _ in range(16):
        tried("wrong", moment)
        until = do(login_throttle.locked_until, "anna", "", moment)
        locks.append((until - moment).total_seconds() if until else 0)
        assert until is None or tried(PASSWORD, moment).reason == "too many failures: try again later"
        moment = until or moment
    assert locks == [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert isinstance(tried(PASSWORD, moment), Proof)
    assert do(login_throttle.locked_until, "anna", "", moment) is None


def test_a_new_password_replaces_the_old_one(anna, do):
    do(accounts.set_password, "anna", "a different password", "root", NOW)
    assert isinstance(accounts.still_valid(anna, "anna", NOW, password=PASSWORD), Unproven)
    assert isinstance(accounts.still_valid(anna, "anna", NOW, password="a different password"), Proof)


@pytest.mark.parametrize(
    ("name", "role", "password", "message"),
    [
        ("Anna", "viewer", PASSWORD, "expected 1 to 64"),
        ("a b", "viewer", PASSWORD, "expected 1 to 64"),
        ("", "viewer", PASSWORD, "expected 1 to 64"),
        ("x" * 65, "viewer", PASSWORD, "expected 1 to 64"),
        ("carl", "king", PASSWORD, "expected one of"),
        ("carl", "viewer", "short", "at least 12"),
        ("anna", "viewer", PASSWORD, "exists already"),
    ],
)
def test_what_cannot_be_an_account_is_told(conn, name, role, password, message):
    with pytest.raises(ConfigError, match=message):
        accounts.add(conn, name, role, password, "root", NOW)


def test_what_is_done_to_nobody_is_told(conn):
    for act in (accounts.disable, accounts.make_token):
        with pytest.raises(ConfigError, match="there is none"):
            act(conn, "nobody", "root", NOW)


def test_a_right_password_is_looked_at_while_others_write(anna, monkeypatch):
    turns = []

    class Slow:
        def verify(self, known, password):
            with anna.change() as conn:
                turns.append(audit.append(conn, NOW, "", "other", "between", {}))
            return True

        def check_needs_rehash(self, known):
            return False

    monkeypatch.setattr(accounts, "_HASHER", Slow())
    assert isinstance(accounts.still_valid(anna, "anna", NOW, password=PASSWORD), Proof) and turns


def test_many_guesses_at_once_are_no_more_than_one_after_the_other(anna):
    with ThreadPoolExecutor(8) as pool:
        said = list(
            pool.map(lambda n: accounts.still_valid(anna, "anna", NOW, password=f"guess {n}").reason, range(16))
        )
    assert said.count("the name or the password is wrong") == 5
    assert said.count("too many failures: try again later") == 11


def test_an_account_that_is_disabled_while_its_password_is_looked_at_proves_nothing(anna, do, monkeypatch):
    real = accounts._verified

    def looked(known, password):
        do(accounts.disable, "anna", "root", NOW)
        return real(known, password)

    monkeypatch.setattr(accounts, "_verified", looked)
    assert isinstance(accounts.still_valid(anna, "anna", NOW, password=PASSWORD), Unproven)


@pytest.mark.parametrize(
    ("role", "wanted", "scopes"),
    [
        ("viewer", (), ("investigate",)),
        ("responder", (), ("investigate",)),
        ("responder", ("intake",), ("intake",)),
        ("approver", (), ("investigate", "approve", "contain")),
        ("approver", ("contain",), ("contain",)),
        ("admin", ("investigate", "intake"), ("intake", "investigate")),
    ],
)
def test_a_tokens_scopes_are_those_wanted_or_what_its_role_reaches(role, wanted, scopes):
    assert accounts.scopes_of(role, wanted) == scopes


@pytest.mark.parametrize(
    ("role", "wanted", "words"),
    [
        ("viewer", ("intake",), "takes the role responder"),
        ("responder", ("approve",), "takes the role approver"),
        ("admin", ("intake", "approve"), "may neither approve nor contain"),
        ("admin", ("everything",), "expected one of"),
    ],
)
def test_a_token_never_gets_a_scope_beyond_its_role_nor_files_and_approves(role, wanted, words):
    with pytest.raises(ConfigError, match=words):
        accounts.scopes_of(role, wanted)


def test_a_role_taken_away_takes_the_scope_with_it(anna, do):
    token = do(accounts.make_token, "anna", "root", NOW, scopes=("approve",))
    with anna.change() as conn:
        conn.exec_driver_sql("UPDATE accounts SET role = 'viewer' WHERE name = 'anna'")
    proof = accounts.still_valid(anna, "anna", NOW, token=token)
    assert proof.scopes == ("approve",) and not proof.reaches("approve") and not proof.reaches("investigate")
