"""GitHub as an identity provider: GitHub.com, or an Enterprise Server."""

from hookyard.adapters.github.oauth import GitHubOAuth
from hookyard.adapters.github.port import GitHubError, GitHubRefused
from hookyard.adapters.oidc.pkce import challenge_of
from hookyard.core.identity.signin_port import Question, Reply
from hookyard.core.identity.users import Profile
from hookyard.kit.errors import Invalid, Unavailable


class GitHubSignIn:
    """Implements `SignInProvider`. GitHub has no nonce: the code is bound by PKCE."""

    def __init__(self, oauth: GitHubOAuth) -> None:
        self._oauth = oauth

    @property
    def issuer(self) -> str:
        """The website of this GitHub."""
        return self._oauth.site

    async def address(self, question: Question) -> str:
        """GitHub's authorize page."""
        challenge = challenge_of(question.verifier)
        return self._oauth.address(question.redirect_uri, question.state, challenge)

    async def profile(self, reply: Reply) -> Profile:
        """Who it is; see the port."""
        try:
            user = await self._oauth.user_of(reply.code, reply.verifier, reply.redirect_uri)
        except GitHubRefused as refused:
            raise Invalid(
                f"GitHub did not accept the sign-in ({refused.message}); start it again",
                code="signin_refused",
            ) from None
        except GitHubError:
            raise Unavailable(
                "GitHub could not be asked who signed in; start the sign-in again in a minute",
                retry_after_s=30,
            ) from None
        return Profile(
            self.issuer, str(user.id), user.login, user.name, user.email, user.avatar_url
        )
