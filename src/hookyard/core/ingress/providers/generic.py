"""The providers that need no code: GitLab, Bitbucket, Linear, PagerDuty, Standard Webhooks."""

from hookyard.core.ingress.providers.scheme import Scheme, SignedTime
from hookyard.core.ingress.providers.spec import Facts, Spec, SpecProvider

# spec: standardwebhooks.com, "Signature scheme": v1 is HMAC-SHA256 over id.timestamp.body,
# base64, several signatures separated by spaces.
_STANDARD_SCHEME = Scheme(
    header=b"webhook-signature",
    prefix=b"v1,",
    separator=b" ",
    encoding="base64",
    template="{id}.{ts}.{body}",
    id_header=b"webhook-id",
    time=SignedTime(header=b"webhook-timestamp"),
    secrets="base64",
)

STANDARD_SPEC = Spec(
    name="standard",
    schemes=(_STANDARD_SCHEME,),
    event_paths=(("type",),),
    id_headers=(b"webhook-id",),
    kept=(b"webhook-timestamp",),
)

# spec: docs.gitlab.com, "Webhooks": a signing token (`whsec_…`) signs as Standard Webhooks do;
# the older secret token is sent as it is. A secret marked `whsec_` never serves as a token.
GITLAB_SPEC = Spec(
    name="gitlab",
    schemes=(
        Scheme(
            header=b"webhook-signature",
            prefix=b"v1,",
            separator=b" ",
            encoding="base64",
            template="{id}.{ts}.{body}",
            id_header=b"webhook-id",
            time=SignedTime(header=b"webhook-timestamp"),
            secrets="whsec",
        ),
        Scheme(header=b"x-gitlab-token", encoding="plain", secrets="raw"),
    ),
    event_header=b"x-gitlab-event",
    event_paths=(("object_kind",), ("event_name",), ("event_type",)),
    # why: X-Gitlab-Event-UUID is shared by events that cause one another, so it names no delivery.
    id_headers=(b"webhook-id", b"idempotency-key"),
    hook_headers=(b"x-gitlab-webhook-uuid",),
    facts=Facts(
        action=(("object_attributes", "action"), ("action",)),
        repository=(("project", "path_with_namespace"), ("path_with_namespace",)),
        subject=(("object_attributes", "url"),),
        actor=(("user", "username"), ("user_username",)),
        actor_id=(("user", "id"), ("user_id",)),
    ),
    kept=(b"x-gitlab-event-uuid", b"x-gitlab-instance", b"webhook-timestamp"),
)

# spec: support.atlassian.com, "Manage webhooks" (Cloud: X-Request-UUID, X-Hook-UUID) and
# confluence.atlassian.com, "Event payload" (Data Center: X-Request-Id, eventKey in the body).
BITBUCKET_SPEC = Spec(
    name="bitbucket",
    schemes=(Scheme(header=b"x-hub-signature", prefix=b"sha256="),),
    event_header=b"x-event-key",
    event_paths=(("eventKey",),),
    id_headers=(b"x-request-uuid", b"x-request-id"),
    hook_headers=(b"x-hook-uuid",),
    needs=(
        ("repo:push", "push"),
        ("repo:", "repository"),
        ("pullrequest:", "pullrequest"),
        ("issue:", "issue"),
        ("pr:", "pullRequest"),
    ),
    facts=Facts(
        repository=(("repository", "full_name"),),
        subject=(
            ("pullrequest", "links", "html", "href"),
            ("issue", "links", "html", "href"),
            ("repository", "slug"),
        ),
        actor=(("actor", "nickname"), ("actor", "name"), ("actor", "display_name")),
        actor_id=(("actor", "uuid"), ("actor", "account_id"), ("actor", "id")),
        bots=((("actor", "type"), "app_user"), (("actor", "type"), "SERVICE")),
    ),
    kept=(b"x-attempt-number",),
)

# spec: linear.app/developers/webhooks: hex HMAC of the body; webhookTimestamp, milliseconds in
# the body, must be within a minute of now.
LINEAR_SPEC = Spec(
    name="linear",
    schemes=(
        Scheme(
            header=b"linear-signature",
            time=SignedTime(body_key=b"webhookTimestamp", unit_ms=1, tolerance_s=60),
        ),
    ),
    event_header=b"linear-event",
    event_paths=(("type",),),
    id_headers=(b"linear-delivery",),
    facts=Facts(
        action=(("action",),),
        subject=(("data", "identifier"), ("data", "issue", "identifier"), ("data", "id")),
        actor=(("actor", "name"),),
        actor_id=(("actor", "id"),),
        bots=((("actor", "type"), "OauthClient"), (("actor", "type"), "integration")),
    ),
)

# spec: developer.pagerduty.com, "Verifying signatures": v1=<hex>, a comma list while rotating.
PAGERDUTY_SPEC = Spec(
    name="pagerduty",
    schemes=(Scheme(header=b"x-pagerduty-signature", prefix=b"v1=", separator=b","),),
    event_paths=(("event", "event_type"),),
    id_path=("event", "id"),
    facts=Facts(
        action=(("event", "event_type"),),
        subject=(("event", "data", "id"), ("event", "data", "incident", "id")),
        actor=(("event", "agent", "summary"),),
        actor_id=(("event", "agent", "id"),),
    ),
    kept=(b"x-webhook-id", b"x-webhook-subscription"),
)

GITLAB = SpecProvider(GITLAB_SPEC)
BITBUCKET = SpecProvider(BITBUCKET_SPEC)
LINEAR = SpecProvider(LINEAR_SPEC)
PAGERDUTY = SpecProvider(PAGERDUTY_SPEC)
STANDARD = SpecProvider(STANDARD_SPEC)
