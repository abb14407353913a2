"""Small changes in every language, with what they come to written by hand."""

from dataclasses import dataclass

from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.linediff import diff_lines
from hookyard.features.manifests.measure import Given, Measured, measure


@dataclass(frozen=True)
class Sample:
    """`expected`: (change, kind, name, boundaries, whether the signature changed) in order."""

    path: str
    old: str
    new: str
    expected: tuple[tuple[str, str, str, str, bool], ...]


def given(path: str, old: str | None, new: str | None) -> Given:
    """A file as it would come from GitHub: with its hunks and its new content."""
    before, after = (old or "").encode(), (new or "").encode()
    status = Status.ADDED if old is None else Status.DELETED if new is None else Status.MODIFIED
    hunks = diff_lines(before, after)
    assert hunks is not None
    diff = FileDiff(path, path, status, hunks)
    return Given(diff, head=None if new is None else after)


def measured(path: str, old: str | None, new: str | None) -> Measured:
    return measure(given(path, old, new))


SAMPLES = (
    Sample(
        "shop/cart.py",
        """import os

class Cart:
    def total(self, items):
        # adds up
        return sum(items)

    def gone(self):
        return self.items or None


def helper(a, b):
    joined = a + b
    return joined * joined - a
""",
        """import os

class Cart:
    def total(self, items, tax=None):
        # adds it up
        if tax is None:
            raise ValueError("tax")
        return sum(items) * tax


def combine(a, b):
    joined = a + b
    return joined * joined - a


async def fresh(urls):
    for url in urls:
        try:
            await get(url)
        except OSError:
            pass
""",
        (
            ("modified", "method", "Cart.total", "comparison null raise", True),
            ("renamed", "function", "combine", "", False),
            ("added", "function", "fresh", "async catch loop", False),
            ("deleted", "method", "Cart.gone", "null", False),
        ),
    ),
    Sample(
        "web/cart.js",
        """export function total(items) {
  return items.length;
}
const add = (a, b) => a + b;
class Cart {
  #secret() { return 1; }
  open() { return this.items; }
}
""",
        """export function total(items) {
  if (items === null) { throw new Error("no items"); }
  return items.length;
}
const add = (a, b) => a - b;
class Cart {
  #secret() { return 2; }
  open() {
    // nothing new
    return this.items; }
  async load() { for (const i of x) { await i; } }
}
module.exports.late = function () { return 1; };
""",
        (
            ("modified", "function", "total", "comparison null raise", False),
            ("modified", "function", "add", "", False),
            ("modified", "method", "Cart.#secret", "", False),
            ("modified", "method", "Cart.open", "", False),
            ("added", "method", "Cart.load", "async loop", False),
            ("added", "function", "late", "", False),
        ),
    ),
    Sample(
        "web/cart.ts",
        """export interface Shape { area(): number }
export abstract class Cart<T> {
  private items: T[] = [];
  total(rate: number): number { return this.items.length * rate; }
}
enum Colour { Red }
""",
        """export interface Shape { area(scale: number): number }
export abstract class Cart<T> {
  private items: T[] = [];
  total(rate: number): string { return this.items.length * rate; }
  find = async (id: string): Promise<T | undefined> => { return undefined; };
}
enum Colour { Red, Blue }
""",
        (
            ("modified", "method", "Shape.area", "", True),
            ("modified", "method", "Cart.total", "", True),
            ("added", "method", "Cart.find", "async null", False),
            ("modified", "enum", "Colour", "", False),
        ),
    ),
    Sample(
        "web/view.tsx",
        "export const View = ({ n }: P) => { return <b>{n}</b>; };\n",
        "export const View = ({ n }: P) => { return n > 1 ? <b>{n}</b> : null; };\n",
        (("modified", "function", "View", "comparison null", False),),
    ),
    Sample(
        "store/cart.go",
        """package store

func (c *Cart) Total(rate int) int {
	return rate
}

type Cart struct {
	items []int
}
""",
        """package store

func (c *Cart) Total(rate int, tax int) (int, error) {
	if rate < 0 || c == nil {
		panic("rate")
	}
	for _, i := range c.items {
		go run(i)
	}
	return rate, nil
}

type Cart struct {
	items []int
	size  int
}
""",
        (
            ("modified", "method", "Cart.Total", "async comparison loop null raise", True),
            ("modified", "struct", "Cart", "", False),
        ),
    ),
    Sample(
        "src/main/java/shop/Cart.java",
        """package shop;
public class Cart {
    public int total(int a) { return a; }
    public int total(String a) { return 0; }
}
""",
        """package shop;
public class Cart {
    public int total(int a) { return a; }
    public int total(long a) throws Bad {
        if (a == 1 || this.x == null) { throw new Bad(); }
        return 2;
    }
    public int total(String a) { return 0; }
    Cart(int a) { while (a > 0) { a--; } }
}
""",
        (
            ("added", "method", "Cart.total", "comparison null raise", False),
            ("added", "method", "Cart.Cart", "comparison loop", False),
        ),
    ),
    Sample(
        "lib/cart.rb",
        """module Shop
  class Cart
    def total(rate)
      rate
    end

    def self.open
      new
    end
  end
end
""",
        """module Shop
  class Cart
    def total(rate)
      raise Bad if rate.nil? || rate < 1
      rate
    end

    def self.open
      items.each { |i| i }
      new
    end
  end
end
""",
        (
            ("modified", "method", "Shop.Cart.total", "comparison null raise", False),
            ("modified", "method", "Shop.Cart.open", "loop", False),
        ),
    ),
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
