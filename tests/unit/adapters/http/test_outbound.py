"""The guarded client: judged addresses, pinned connections, bounds on all that comes back."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hookyard.adapters.http.outbound import GuardedHttp, system_resolve
from hookyard.adapters.http.port import Ask, OutboundError, OutboundFailed, OutboundRefused

JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class Names:
    """A resolver with a list of answers for each host; the last one stays."""

    def __init__(self, **hosts: Sequence[Sequence[str]]) -> None:
        self.hosts = {name.replace("_", "."): list(answers) for name, answers in hosts.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.hosts.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Web:
    """Answers without a network and remembers where it was asked."""

    def __init__(self, *answers: httpx2.Response) -> None:
        self.answers = list(answers) or [httpx2.Response(200, json={})]
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def guarded(
    names: Names, web: Web | None = None, allow: Sequence[str] = ()
) -> AsyncIterator[GuardedHttp]:
    transport = httpx2.MockTransport(web) if web is not None else None
    client = GuardedHttp(allow, resolve=names, transport=transport)
    try:
        yield client
    finally:
        await client.close()


async def refused(client: GuardedHttp, ask: Ask) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        await client.send(ask)
    assert "planted" not in str(caught.value)
    return caught.value


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    web = Web()
    async with guarded(Names(a_example=[["8.8.8.8", "9.9.9.9"]]), web) as client:
        answer = await client.send(Ask("https://a.example:8443/keys?x=1"))
    (request,) = web.requests
    assert str(request.url) == "https://8.8.8.8:8443/keys?x=1"
    assert request.headers["host"] == "a.example:8443"
    assert request.extensions["sni_hostname"] == "a.example"
    assert answer.status == 200


async def test_a_name_that_changes_its_mind_is_asked_once() -> None:
    """DNS rebinding: a public address for the check, a private one for the connection."""
    names, web = Names(a_example=[["8.8.8.8"], ["127.0.0.1"]]), Web()
    async with guarded(names, web) as client:
        await client.send(Ask("https://a.example/"))
        assert web.requests[0].url.host == "8.8.8.8"
        assert names.asked == ["a.example"]
        assert (await refused(client, Ask("https://a.example/"))).code == "address"
    assert len(web.requests) == 1


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["8.8.8.8", "::1"], ["169.254.169.254"],
     ["100.64.0.9"], ["8.8.8.8", "fe80::1%eth0"], ["::ffff:192.168.0.1"],
     ["0.0.0.0"], ["ff02::1"]],  # noqa: S104
)  # fmt: skip
async def test_one_bad_address_among_them_refuses_the_host(addresses: list[str]) -> None:
    web = Web()
    async with guarded(Names(a_example=[addresses]), web) as client:
        found = await refused(client, Ask("https://a.example/"))
    assert isinstance(found, OutboundRefused)
    assert web.requests == []


async def test_an_allowed_host_may_be_inside_but_never_at_a_metadata_address() -> None:
    names = Names(ghes_corp=[["10.0.0.1"]], meta_corp=[["169.254.169.254"]])
    web = Web()
    async with guarded(names, web, ["ghes.corp", "meta.corp"]) as client:
        assert (await client.send(Ask("http://GHES.corp/x"))).status == 200
        assert (await refused(client, Ask("https://meta.corp/x"))).code == "address"
    async with guarded(names, web, ["ghes.corp:8443"]) as client:
        assert (await client.send(Ask("https://ghes.corp:8443/x"))).status == 200
        found = await refused(client, Ask("https://ghes.corp/x"))
        assert "HOOKYARD_OUTBOUND_ALLOW" in str(found)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://a.example/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://a.example/", "scheme"),
        ("//a.example/", "scheme"),
        ("https://", "scheme"),
        ("", "scheme"),
        ("https://planted:planted@a.example/", "url"),
        ("https://a.example/\r\nx: y", "url"),
        ("https://a.example/ß", "url"),
        ("https://a.example:99999/", "url"),
        ("https://a.example/" + "x" * 3_000, "url"),
        ("https://nowhere.example/", "unresolved"),
    ],
)
async def test_addresses_that_are_none_of_the_webs_are_refused(url: str, code: str) -> None:
    async with guarded(Names(a_example=[["8.8.8.8"]]), Web()) as client:
        assert (await refused(client, Ask(url))).code == code


@pytest.mark.parametrize(
    "url", ["https://127.1/", "https://0x7f.1/", "https://2130706433/", "https://[::1]/",
            "https://127.0.0.1/", "https://localhost/", "https://[::ffff:127.0.0.1]/"],
)  # fmt: skip
async def test_other_spellings_of_this_machine_are_refused(url: str) -> None:
    """By the machine's own resolver, which knows them all without asking anybody."""
    web = Web()
    client = GuardedHttp(transport=httpx2.MockTransport(web))
    found = await refused(client, Ask(url))
    await client.close()
    assert found.code in ("address", "unresolved", "url")
    assert web.requests == []


async def test_no_redirect_is_followed_unless_asked() -> None:
    web = Web(httpx2.Response(302, headers={"location": "https://b.example/"}))
    async with guarded(Names(a_example=[["8.8.8.8"]], b_example=[["9.9.9.9"]]), web) as client:
        assert (await refused(client, Ask("https://a.example/"))).code == "redirect"
    assert len(web.requests) == 1


async def test_each_redirect_is_judged_and_leaves_the_headers_behind() -> None:
    there = httpx2.Response(307, headers={"location": "https://b.example/x"})
    names = Names(a_example=[["8.8.8.8"]], b_example=[["9.9.9.9"]], in_example=[["10.0.0.1"]])
    web = Web(there, httpx2.Response(200, json={}))
    ask = Ask("https://a.example/", headers={"authorization": "Bearer planted"}, redirects=2)
    async with guarded(names, web) as client:
        assert (await client.send(ask)).url == "https://b.example/x"
    assert [r.headers.get("authorization") for r in web.requests] == ["Bearer planted", None]
    for location, code in (
        ("https://in.example/", "address"),
        ("http://b.example/", "redirect"),
        ("file:///etc/passwd", "redirect"),
        ("//in.example/", "address"),
        ("", "redirect"),
    ):
        web = Web(httpx2.Response(302, headers={"location": location}))
        async with guarded(names, web) as client:
            assert (await refused(client, ask)).code == code


async def test_a_post_is_never_sent_on() -> None:
    web = Web(httpx2.Response(307, headers={"location": "https://a.example/again"}))
    async with guarded(Names(a_example=[["8.8.8.8"]]), web) as client:
        ask = Ask("https://a.example/", method="POST", content=b"planted", redirects=3)
        assert (await refused(client, ask)).code == "redirect"
    assert len(web.requests) == 1


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


def sends(data: bytes) -> Handler:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return handler


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (JSON + b"content-length: 5000\r\n\r\n" + b"x" * 5000, "too_large"),
        (JSON + b"transfer-encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\n0\r\n\r\n",
         "too_large"),
        (JSON + b"\r\n" + b"x" * 5000, "too_large"),
        (JSON + b"content-encoding: gzip\r\ncontent-length: 1\r\n\r\nx", "encoding"),
        (JSON.replace(b"application/json", b"text/html") + b"content-length: 2\r\n\r\n{}",
         "content_type"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "content_type"),
        (JSON + b"content-length: 50\r\n\r\nshort", "broken"),
        (b"\x00\x01garbage\r\n\r\n", "broken"),
        (b"", "broken"),
    ],
)  # fmt: skip
async def test_answers_are_bounded_in_size_and_kind(data: bytes, code: str) -> None:
    async with server(sends(data)) as port:
        client = GuardedHttp(["127.0.0.1"])
        found = await refused(client, Ask(f"http://127.0.0.1:{port}/", max_bytes=4_096))
        await client.close()
    assert isinstance(found, OutboundFailed)
    assert found.code == code


async def test_a_dripping_answer_ends_with_the_time() -> None:
    done = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(JSON + b"content-length: 100000\r\n\r\n")
        await done.wait()

    async with server(drip) as port:
        client = GuardedHttp(["127.0.0.1"])
        found = await refused(client, Ask(f"http://127.0.0.1:{port}/", total_s=0.2))
        await client.close()
        done.set()
    assert found.code == "slow"


async def test_a_closed_port_is_unreachable_and_the_next_address_is_tried() -> None:
    async with server(sends(JSON + b"content-length: 2\r\n\r\n{}")) as port:
        names = Names(a_corp=[["127.0.0.2", "127.0.0.1"]])
        client = GuardedHttp(["a.corp"], resolve=names)
        assert (await client.send(Ask(f"http://a.corp:{port}/"))).body == b"{}"
    assert (await refused(client, Ask(f"http://a.corp:{port}/"))).code == "unreachable"
    await client.close()


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a certificate for one name, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(pem + secret)
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(path)
    return there, ssl.create_default_context(cadata=pem.decode())


async def test_the_certificate_is_checked_for_the_name_and_not_for_the_address(
    tmp_path: Path,
) -> None:
    there, here = certificate(tmp_path, "issuer.corp")
    names = Names(issuer_corp=[["127.0.0.1"]], other_corp=[["127.0.0.1"]])
    async with server(sends(JSON + b"content-length: 2\r\n\r\n{}"), there) as port:
        client = GuardedHttp(["issuer.corp", "other.corp"], resolve=names, certificates=here)
        assert (await client.send(Ask(f"https://issuer.corp:{port}/"))).body == b"{}"
        found = await refused(client, Ask(f"https://other.corp:{port}/"))
        await client.close()
    assert found.code == "unreachable"


async def test_the_machines_resolver_gives_each_address_once() -> None:
    found = await system_resolve("127.0.0.1", 80)
    assert list(found) == ["127.0.0.1"]


async def test_an_address_is_checked_without_being_asked_and_again_when_it_is() -> None:
    web = Web()
    names = Names(turns_example=[["8.8.8.8"], ["10.0.0.7"]], inside_example=[["10.0.0.7"]])
    async with guarded(names, web) as client:
        await client.check("https://turns.example/in")
        error = await refused(client, Ask("https://turns.example/in", "POST"))
        assert isinstance(error, OutboundRefused)
        with pytest.raises(OutboundRefused):
            await client.check("https://inside.example/in")
        with pytest.raises(OutboundError):
            await client.check("https://nowhere.example/in")
    assert web.requests == []
