// An OpenID issuer that is not ours: npm's oidc-provider, strict about PKCE, for tests.
// usage: node oidc_peer.mjs REDIRECT_URI   (prints its address as one line of JSON; ends with its input)
import http from "node:http";
import { Provider } from "oidc-provider";

const redirect = process.argv[2];
const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      { client_id: "confidential", client_secret: "a secret of the peer", redirect_uris: [redirect] },
      {
        client_id: "posting",
        client_secret: "another secret of the peer",
        redirect_uris: [redirect],
        token_endpoint_auth_method: "client_secret_post",
      },
      { client_id: "public", redirect_uris: [redirect], token_endpoint_auth_method: "none" },
    ],
    pkce: { required: () => true },
    claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
    cookies: { keys: ["not secret in a test"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `Name of ${id}`, email: `${id}@example.com` }),
    }),
  });
  server.on("request", provider.callback());
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
