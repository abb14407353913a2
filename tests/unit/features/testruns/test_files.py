"""Files of a repository, found by what reports say of them, or not at all."""

import pytest

from hookyard.features.testruns.files import Tree

TREE = Tree(
    [
        "tests/unit/test_cart.py",
        "backend/app/tests/test_api.py",
        "src/test/java/com/shop/CartTest.java",
        "a/com/shop/TwinTest.java",
        "b/com/shop/TwinTest.java",
        "web/src/cart.test.js",
        "one/same.py",
        "two/same.py",
        "test_top.py",
        "com.py",
    ]
)


@pytest.mark.parametrize(
    ("file", "classname", "expected"),
    [
        ("", "tests.unit.test_cart", "tests/unit/test_cart.py"),
        ("", "tests.unit.test_cart.TestCart", "tests/unit/test_cart.py"),
        ("", "tests.unit.test_cart.TestCart.TestInner", "tests/unit/test_cart.py"),
        ("", "app.tests.test_api.TestApi", "backend/app/tests/test_api.py"),
        ("", "com.shop.CartTest", "src/test/java/com/shop/CartTest.java"),
        ("", "com.shop.CartTest$Nested", "src/test/java/com/shop/CartTest.java"),
        ("", "test_top", "test_top.py"),
        ("", "com.shop.TwinTest", ""),
        ("", "com.shop.GoneTest", ""),
        ("", "cart adds an item", ""),
        ("", "autoqa:T4", ""),
        ("", "", ""),
        ("tests/unit/test_cart.py", "", "tests/unit/test_cart.py"),
        ("./tests/unit/test_cart.py", "", "tests/unit/test_cart.py"),
        ("/home/runner/work/shop/shop/tests/unit/test_cart.py", "", "tests/unit/test_cart.py"),
        ("src/cart.test.js", "", "web/src/cart.test.js"),
        ("D:\\a\\shop\\web\\src\\cart.test.js", "", "web/src/cart.test.js"),
        ("/elsewhere/same.py", "", ""),
        ("same.py", "", ""),
        ("gone.py", "tests.unit.test_cart", "tests/unit/test_cart.py"),
        ("../../etc/passwd", "", ""),
    ],
)
def test_a_file_is_found_or_not_said(file: str, classname: str, expected: str) -> None:
    assert TREE.file_of(file, classname) == expected


def test_a_cut_list_is_trusted_for_whole_paths_only() -> None:
    tree = Tree(["tests/test_a.py"], partial=True)
    assert tree.file_of("tests/test_a.py", "") == "tests/test_a.py"
    assert tree.file_of("", "tests.test_a") == ""
    assert tree.file_of("/w/tests/test_a.py", "") == ""
