"""Where a browser may be sent after sign-in."""

import pytest

from hookyard.core.identity.returns import is_safe_return

SAFE = [
    "/",
    "/jobs",
    "/jobs?state=dead&cursor=a%20b",
    "/repos/acme/shop/issues/7",
    "/authors",
    "/search?q=https://example.org/",
    "/a%2Db",
]
UNSAFE = {
    "another origin": "https://evil.example/",
    "no scheme": "//evil.example",
    "backslash": "/\\evil.example",
    "two backslashes": "\\\\evil.example",
    "encoded slash": "/%2fevil.example",
    "encoded twice": "/%252fevil.example",
    "encoded backslash": "/%5Cevil.example",
    "tab": "/\t/evil.example",
    "encoded tab": "/%09/evil.example",
    "line end": "/\r\nlocation: //evil.example",
    "encoded line end": "/%0d%0alocation:%20x",
    "leading space": " /jobs",
    "inner space": "/ /evil.example",
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,x",
    "relative": "jobs",
    "empty": "",
    "dot segments": "/./" + "/evil.example",
    "parent": "/a/../" + "/evil.example",
    "encoded parent": "/a/%2e%2e//evil.example",
    "fragment": "/jobs#//evil.example",
    "user info": "/@evil.example\\",
    "unicode slash": "/\uff0fevil.example",
    "bare percent": "/%zz",
    "the sign-in itself": "/auth/github",
    "the sign-in itself, encoded": "/%61uth/github",
    "too long": "/" + "a" * 1_024,
}


@pytest.mark.parametrize("text", SAFE)
def test_paths_of_ours_are_safe(text: str) -> None:
    assert is_safe_return(text)


@pytest.mark.parametrize("text", UNSAFE.values(), ids=UNSAFE.keys())
def test_what_could_lead_elsewhere_is_not(text: str) -> None:
    assert not is_safe_return(text)
