"""Small changes in every language, with what they come to written by hand."""

from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.linediff import diff_lines
from hookyard.features.manifests.measure import Given, Measured, measure

from .samples_more import MORE, Sample


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
    *MORE,
)
