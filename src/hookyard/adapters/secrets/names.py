"""What a setting's secret is called where it is kept: `GITHUB_WEBHOOK_SECRET` in variables and
files, `github-webhook-secret` in vaults."""


def plain(name: str) -> str:
    """A setting's name without our prefix."""
    return name.removeprefix("HOOKYARD_")


def dashed(name: str) -> str:
    """The same as every vault takes it: lower-case letters, digits and dashes."""
    return plain(name).lower().replace("_", "-")
