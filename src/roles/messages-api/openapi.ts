import { z } from "zod";
import {
  accepted,
  comailAccepted,
  comailFault,
  comailMessage,
  fault,
  listQuery,
  messageDetail,
  messageList,
  newMessage,
} from "./schemas.ts";

import { testDetail, testMade } from "./schemas-test.ts";
import { suppressionList, suppressionQuery, suppressionReleased } from "./schemas-suppression.ts";

/** Requests as clients write them: what has a default is left out. */
const REQUESTS = { NewMessage: newMessage, ComailMessage: comailMessage };
const ANSWERS = {
  Accepted: accepted,
  Fault: fault,
  MessageList: messageList,
  MessageDetail: messageDetail,
  SuppressionList: suppressionList,
  SuppressionReleased: suppressionReleased,
  TestMade: testMade,
  TestDetail: testDetail,
  ComailAccepted: comailAccepted,
  ComailFault: comailFault,
};

function jsonSchema(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

type SchemaName = keyof typeof REQUESTS | keyof typeof ANSWERS;
const json = (name: SchemaName) => ({
  "application/json": { schema: { $ref: `#/components/schemas/${name}` } },
});

const FAULTS: Record<number, string> = {
  400: "The request or the message is not well-formed",
  401: "The credential is wrong, revoked, or not given",
  403: "The credential may not do that, or the request came in clear; `link` leads to the reason",
  404: "The member has no such message, or nothing is there to be released",
  409: "The request with this Idempotency-Key is still being worked on",
  413: "The message is larger than 25 MiB",
  422: "The message cannot be accepted as it is, or the Idempotency-Key belongs to another request",
  429: "Over a limit, or too many failed log-ins; Retry-After has the seconds",
  503: "The relay cannot take it now; Retry-After has the seconds",
};

const RETRY_AFTER = {
  "Retry-After": { description: "Seconds to wait", schema: { type: "integer", minimum: 1 } },
};

function faults(name: "Fault" | "ComailFault", ...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      String(status),
      {
        description: FAULTS[status]!,
        ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
        content: json(name),
      },
    ]),
  );
}

const IDEMPOTENCY = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "The same key with the same request is accepted once and has the same answer, also after a restart",
  schema: { type: "string", minLength: 1, maxLength: 257 },
};

function queryOf(schema: z.ZodObject) {
  const { properties = {} } = z.toJSONSchema(schema, { io: "output" });
  return Object.entries(properties).map(([name, property]) => ({ name, in: "query", schema: property }));
}

const address = { type: "string", format: "email" };

/** The API in OpenAPI 3.1, from the schemas that requests are checked with. */
export function describeApi() {
  const schemas = [
    ...Object.entries(REQUESTS).map(([name, schema]) => [name, jsonSchema(schema, "input")] as const),
    ...Object.entries(ANSWERS).map(([name, schema]) => [name, jsonSchema(schema, "output")] as const),
  ];
  return {
    openapi: "3.1.0",
    info: {
      title: "Atmosphere Mail",
      version: "1",
      description: "Mail by HTTP, with the decisions, limits and spool of SMTP submission.",
      license: { name: "MIT OR Apache-2.0", identifier: "MIT OR Apache-2.0" },
    },
    servers: [{ url: "/v1" }],
    security: [{ credential: [] }],
    paths: {
      "/messages": {
        post: {
          operationId: "sendMessage",
          summary: "Hand a message in",
          parameters: [
            IDEMPOTENCY,
            {
              name: "from",
              in: "query",
              description: "Raw messages: the envelope sender, instead of the From field",
              schema: address,
            },
            {
              name: "to",
              in: "query",
              description: "Raw messages: a recipient, instead of To, Cc and Bcc; may be repeated",
              schema: { type: "array", items: address },
            },
          ],
          requestBody: {
            required: true,
            content: {
              ...json("NewMessage"),
              "message/rfc822": {
                schema: { type: "string", contentMediaType: "message/rfc822" },
              },
            },
          },
          responses: {
            "202": { description: "Accepted for at least one recipient", content: json("Accepted") },
            ...faults("Fault", 400, 401, 403, 409, 413, 422, 429, 503),
          },
        },
        get: {
          operationId: "listMessages",
          summary: "The member's messages, newest first",
          parameters: queryOf(listQuery),
          responses: {
            "200": { description: "A page", content: json("MessageList") },
            ...faults("Fault", 400, 401, 403, 429, 503),
          },
        },
      },
      "/messages/{id}": {
        get: {
          operationId: "getMessage",
          summary: "A message with every recipient and every attempt",
          parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
          responses: {
            "200": { description: "The message", content: json("MessageDetail") },
            ...faults("Fault", 401, 403, 404, 429, 503),
          },
        },
      },
      "/suppressions": {
        get: {
          operationId: "listSuppressions",
          summary: "Addresses to which nothing of the member is sent, newest first",
          parameters: queryOf(suppressionQuery),
          responses: {
            "200": { description: "A page", content: json("SuppressionList") },
            ...faults("Fault", 400, 401, 403, 404, 429, 503),
          },
        },
      },
      "/suppressions/{address}": {
        delete: {
          operationId: "releaseSuppression",
          summary: "Lets mail of the member go to this address again",
          parameters: [{ name: "address", in: "path", required: true, schema: address }],
          responses: {
            "200": { description: "It goes there again", content: json("SuppressionReleased") },
            "202": {
              description: "Noted; it goes there again when core hears of it",
              content: json("SuppressionReleased"),
            },
            ...faults("Fault", 400, 401, 403, 404, 429, 503),
          },
        },
      },
      "/tests": {
        post: {
          operationId: "makeTest",
          summary: "An address to which a test mail is sent; twenty a day",
          responses: {
            "201": { description: "Send to this address", content: json("TestMade") },
            ...faults("Fault", 401, 403, 404, 429, 503),
          },
        },
      },
      "/tests/{id}": {
        get: {
          operationId: "getTest",
          summary: "What has come to a test address, and what vouches for it",
          parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
          responses: {
            "200": { description: "The test", content: json("TestDetail") },
            ...faults("Fault", 401, 403, 404, 429, 503),
          },
        },
      },
      "/send": {
        post: {
          operationId: "comailSend",
          summary: "Hand a message in as comail's clients do",
          security: [{ comailKey: [], comailDid: [] }],
          parameters: [
            IDEMPOTENCY,
            {
              name: "did",
              in: "query",
              description: "The member's DID, instead of X-Atmos-DID",
              schema: { type: "string" },
            },
          ],
          requestBody: { required: true, content: json("ComailMessage") },
          responses: {
            "200": { description: "What became of each recipient", content: json("ComailAccepted") },
            ...faults("ComailFault", 400, 401, 403, 409, 413, 429, 503),
          },
        },
      },
      "/openapi.json": {
        get: {
          operationId: "describe",
          summary: "This description",
          security: [],
          responses: {
            "200": {
              description: "OpenAPI 3.1",
              content: { "application/json": { schema: { type: "object" } } },
            },
          },
        },
      },
    },
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        credential: { type: "http", scheme: "basic", description: "User name and secret of a credential" },
        comailKey: { type: "http", scheme: "bearer", description: "The secret of a credential" },
        comailDid: { type: "apiKey", in: "header", name: "X-Atmos-DID", description: "The member's DID" },
      },
    },
  };
}
