"""What a ref means in a repository."""

from hookyard_sandbox.github.model import Commit, Repository


def resolve(it: Repository, ref: str) -> Commit | None:
    """The commit of a branch, a full ref name, a sha, or an unambiguous sha prefix of 7 or more."""
    name = ref.removeprefix("refs/").removeprefix("heads/")
    if name == "HEAD":
        name = it.default_branch
    sha = it.branches.get(name)
    if sha is not None:
        return it.commits[sha]
    found = [c for s, c in it.commits.items() if s == ref or (len(ref) >= 7 and s.startswith(ref))]
    return found[0] if len(found) == 1 else None
