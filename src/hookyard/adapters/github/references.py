"""Issues that GitHub itself says a pull request closes: by keyword, or linked by hand beside it.

# why: REST does not tell of links made by hand; GraphQL's `closingIssuesReferences` tells of both.
# spec: docs.github.com, GraphQL objects: PullRequest.closingIssuesReferences.
"""

from typing import Protocol

from hookyard.kit.json import JsonObject, as_int, as_list, as_text, dig

MOST = 100
_QUERY = """query ClosingIssues($owner: String!, $name: String!, $number: Int!, $first: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      closingIssuesReferences(first: $first) {
        nodes { number repository { nameWithOwner } }
      }
    }
  }
}"""


class GraphCalls(Protocol):
    """The slice of the client that queries need."""

    async def graph(self, query: str, variables: JsonObject, *, installation_id: int) -> JsonObject:
        """What a query finds."""
        ...


async def closing_issues(
    github: GraphCalls, repository: str, number: int, installation_id: int
) -> tuple[tuple[str, int], ...]:
    """("owner/name", number) of each, at most 100. Raises GitHubError."""
    owner, _, name = repository.partition("/")
    asked: JsonObject = {"owner": owner, "name": name, "number": number, "first": MOST}
    data = await github.graph(_QUERY, asked, installation_id=installation_id)
    nodes = as_list(dig(data, "repository", "pullRequest", "closingIssuesReferences", "nodes"))
    found = (
        (as_text(dig(node, "repository", "nameWithOwner")), as_int(dig(node, "number")))
        for node in nodes
    )
    return tuple((place, issue) for place, issue in found if place and issue)
