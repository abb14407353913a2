"""Samples of the second half of the languages, and what a sample is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """`expected`: (change, kind, name, boundaries, whether the signature changed) in order."""

    path: str
    old: str
    new: str
    expected: tuple[tuple[str, str, str, str, bool], ...]


MORE = (
    Sample(
        "src/cart.rs",
        """pub struct Cart { items: Vec<i32> }

impl Cart {
    pub fn total(&self) -> i32 { 1 }
    fn keep(&self) -> i32 { 2 }
}
""",
        """pub struct Cart { items: Vec<i32> }

impl Cart {
    pub async fn total(&self, n: usize) -> Result<i32, E> {
        if n > 1 { return Err(E); }
        for i in 0..n { run(i)?.await; }
        Ok(1)
    }
    fn keep(&self) -> i32 { 2 }
}

pub trait Shape { fn area(&self) -> i32; }
""",
        (
            ("modified", "method", "Cart.total", "async catch comparison loop raise", True),
            ("added", "method", "Shape.area", "", False),
        ),
    ),
    Sample(
        "src/cart.c",
        """static int total(int a)
{
    return a;
}

int *find(void) { return 0; }
""",
        """static int total(int a)
{
    while (a > 1) { a--; }
    return a;
}

int *find(const char *key) { if (key == NULL) return 0; return 0; }
struct cart { int size; };
""",
        (
            ("modified", "function", "total", "comparison loop", False),
            ("modified", "function", "find", "comparison null", True),
            ("added", "struct", "cart", "", False),
        ),
    ),
    Sample(
        "src/cart.cpp",
        """namespace shop {
int Cart::total(int a) const { return a; }
class Item {
  int size() { return 1; }
};
}
""",
        """namespace shop {
int Cart::total(int a) const { if (a != 0) throw Bad(); return a; }
class Item {
  int size() { return 1; }
  template <class T> void put(T t) { for (auto x : t) {} }
};
bool operator==(const Item& a, const Item& b) { return true; }
}
""",
        (
            ("modified", "function", "shop.Cart.total", "comparison raise", False),
            ("added", "method", "shop.Item.put", "loop", False),
            ("added", "function", "shop.operator==", "", False),
        ),
    ),
    Sample(
        "Shop/Cart.cs",
        """namespace Shop {
    public class Cart {
        public int Total(int a) { return a; }
        public int Size { get; set; }
    }
}
""",
        """namespace Shop {
    public class Cart {
        public async Task<int> Total(int a) {
            if (a is null) { throw new Bad(); }
            foreach (var x in y) { await x; }
            return a;
        }
        public int Size { get; private set; }
    }
}
""",
        (
            ("modified", "method", "Shop.Cart.Total", "async loop null raise", True),
            ("modified", "property", "Shop.Cart.Size", "", False),
        ),
    ),
    Sample(
        "src/Cart.php",
        """<?php
namespace Shop;
class Cart {
    public function total(int $a): int { return $a; }
}
function free() { return 1; }
""",
        """<?php
namespace Shop;
class Cart {
    public function total(?int $a): int {
        if ($a === null) { throw new Bad(); }
        foreach ($this->items as $i) { }
        return $a;
    }
    private function tidy() { try { } catch (E $e) { } }
}
function free() { return 1; }
""",
        (
            ("modified", "method", "Cart.total", "comparison loop null raise", True),
            ("added", "method", "Cart.tidy", "catch", False),
        ),
    ),
    Sample(
        "src/main/kotlin/shop/Cart.kt",
        """package shop

class Cart(val size: Int) {
    fun total(rate: Int): Int {
        return rate
    }
}

fun String.shout() = this
""",
        """package shop

class Cart(val size: Int) {
    suspend fun total(rate: Int): Int {
        if (rate < 1) throw Bad()
        for (x in items) { run(x) }
        return rate
    }
}

fun String.shout() = this ?: null
object Shop {
    fun start() { }
}
""",
        (
            ("modified", "method", "Cart.total", "async comparison loop raise", True),
            ("modified", "function", "shout", "null", True),
            ("added", "class", "Shop", "", False),
            ("added", "method", "Shop.start", "", False),
        ),
    ),
    Sample(
        "src/main/scala/shop/Cart.scala",
        """package shop

object Cart {
  def total(rate: Int): Int = {
    rate
  }
}
""",
        """package shop

object Cart {
  def total(rate: Int): Int = {
    if (rate < 1) throw new Bad()
    for (x <- items) { run(x) }
    rate
  }
  private def none: Option[Int] = None
}
trait Shape { def area: Int }
""",
        (
            ("modified", "method", "Cart.total", "comparison loop raise", False),
            ("added", "method", "Cart.none", "null", False),
            ("added", "method", "Shape.area", "", False),
        ),
    ),
    Sample(
        "bin/deploy.sh",
        """#!/bin/sh
build() {
  make
}
""",
        """#!/bin/sh
build() {
  if [ -z "$1" ]; then exit 1; fi
  for f in *; do make "$f"; done
}
function ship { build; }
""",
        (
            ("modified", "function", "build", "comparison loop null raise", False),
            ("added", "function", "ship", "", False),
        ),
    ),
)
