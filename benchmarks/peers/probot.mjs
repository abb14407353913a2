// Probot with a no-op handler: production mode, nothing logged, plain node:http around it.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createNodeMiddleware, createProbot } from "probot";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "pkcs1", format: "pem" },
});

const probot = createProbot({
  overrides: {
    appId: 1,
    privateKey,
    secret: process.env.GITHUB_WEBHOOK_SECRET,
    logLevel: "fatal",
  },
});

const app = (robot) => {
  robot.on(["issues.unlabeled", "pull_request.labeled"], async () => {});
};

const middleware = await createNodeMiddleware(app, { probot, webhooksPath: "/webhooks/github" });

createServer((request, response) => {
  middleware(request, response, () => {
    response.writeHead(404);
    response.end();
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
