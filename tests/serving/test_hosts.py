"""Names that the server answers to, and pages that may call it."""

import socket

import pytest

from t2tlite.serving.hosts import Hosts
from t2tlite.serving.refusal import Refusal

OWN = socket.gethostname().lower()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000", "127.0.0.1", "localhost:8000", "LOCALHOST", "demo.localhost:8000", "[::1]:8000",
        "192.168.0.7:8000", "models.example:80", "models.example.", OWN, f"{OWN}:8000", "proxy.example",
    ],
)  # fmt: skip
def test_its_own_names(host):
    Hosts("models.example", ["proxy.example"]).check(host, None)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "evillocalhost",
        "evil-localhost",
        "evil-localhost.example",
        "localhost.localhost.example",
        "127.0.0.1.evil.example",
        "[",
        "1",
    ],
)
def test_other_names(host):
    with pytest.raises(Refusal, match="does not answer to the name .*--allowed_hosts") as caught:
        Hosts("127.0.0.1").check(host, None)
    assert caught.value.status == 403


def test_the_machines_name_with_its_domain_and_without(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.Lab.example")
    hosts = Hosts("127.0.0.1", ["Proxy.example."])
    for host in ("box", "BOX:80", "box.lab.example:8000", "box.lab.example.:8000", "proxy.example"):
        hosts.check(host, None)
    for host in ("lab.example", "other.lab.example", "box.example"):
        with pytest.raises(Refusal):
            hosts.check(host, None)


@pytest.mark.parametrize(
    "host, origin, fine",
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("localhost:8000", "http://LOCALHOST:8000", True),
        ("127.0.0.1:8000", "https://proxy.example", True),  # the proxy says where it goes, not where it is
        ("127.0.0.1:8000", "http://127.0.0.1:9000", False),
        ("127.0.0.1:8000", "http://localhost:8000", False),
        ("127.0.0.1:8000", "https://proxy.example.evil", False),
        ("127.0.0.1:8000", "null", False),
        ("127.0.0.1:8000", "", False),
    ],
)
def test_pages_of_its_own(host, origin, fine):
    hosts = Hosts("127.0.0.1", ["proxy.example"])
    if fine:
        hosts.check(host, origin)
    else:
        with pytest.raises(Refusal, match="may not call this server"):
            hosts.check(host, origin)


@pytest.mark.parametrize(
    "bound, alone",
    [
        ("127.0.0.1", True), ("LOCALHOST", True), ("::1", True),
        ("0.0.0.0", False), ("192.168.0.7", False), ("models.example", False),
    ],
)  # fmt: skip
def test_whether_only_this_machine_can_reach_it(bound, alone):
    assert Hosts(bound).loopback == alone
